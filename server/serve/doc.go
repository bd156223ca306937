// Package serve turns a configuration into a running node: it listens, starts
// the raft side, puts a gRPC server and an HTTP server in front of it, and takes
// all of that down again in the right order. Upstream this is
// go.etcd.io/etcd/server/v3/embed.
//
//	config.go      a node's configuration, checked before anything is opened
//	seams.go       where a node can be wrapped
//	node.go        Start, and what runs while a node does
//	stop.go        Stop: no new requests, then the running ones, then raft, then the files
//
// A client's way in, in the order in which it meets them:
//
//	listen.go      the sockets; a port in use is found out before the data directory is opened
//	accept.go      failed accepts, the limit of connections, connections without a request yet
//	cmux.go        one port for all: what a client speaks, and what serves it
//	tls.go         certificates, from files that may be replaced, or made; grpc-go's handshake
//	grpc_conn.go   a connection as grpc-go gets it
//	grpc.go        the gRPC server: its limits, its chain of interceptors
//	stack.go       handlers that begin with enough stack
//	services.go    its services, reflection included
//	inprocess.go   the client that the lock and election services call the handlers with
//	http.go        the HTTP server, its pages, and gRPC requests that come by way of it
//	access.go      which hosts and origins it answers
//	gateway.go     JSON made into gRPC calls to the node's own address
//	health.go      /health, /livez, /readyz
//	metrics.go     /metrics, also on addresses of its own
//
// grpc-go's own transport serves HTTP/2, in plaintext and over TLS, and net/http everything
// else. On a port that gRPC shares with HTTP, etcd has net/http serve all TLS connections
// and pass the gRPC requests to grpc-go's ServeHTTP; ServeTLSThroughHTTP does that here too.
// Clients that offer both HTTP/1 and HTTP/2 are always served that way, because only
// net/http can serve both.
package serve
