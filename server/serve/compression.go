package serve

import (
	// A request that is compressed with gzip is understood, and answered in kind;
	// the import registers it with grpc-go for the whole process. etcd does not have
	// it and answers such a request with Unimplemented; no client of etcd's compresses.
	_ "google.golang.org/grpc/encoding/gzip"
)
