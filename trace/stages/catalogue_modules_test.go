package stages

// The catalogue also names functions and metrics of modules that no code of
// ours imports: etcd does. They are imported here so that go.mod holds the
// versions which the reader's module cache is to have.
import (
	_ "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus" // the gRPC metrics of a real etcd
	_ "github.com/soheilhy/cmux"                                          // where a real etcd tells HTTP/2 from HTTP/1
)
