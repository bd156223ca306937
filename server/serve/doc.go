// Package serve turns a configuration into a running node: it listens, starts
// the raft side, puts a gRPC server and an HTTP server in front of it, and takes
// all of that down again in the right order. Upstream this is
// go.etcd.io/etcd/server/v3/embed.
//
//	config.go          what a node is told, checked before anything is touched
//	seams.go           where a node can be wrapped
//	node.go            Start, and what runs while a node does
//	stop.go            Stop: no new requests, then the running ones, then raft, then the files
//	gc.go              how much the garbage collector may put off
//
// A client's way in, in the order in which it meets them:
//
//	listen*.go         the sockets; a port in use is found out before the data directory is opened
//	accept.go          accept that fails for a while, and connections without number
//	cmux.go            one port for all: who speaks what, and who serves that
//	cmux_sniff.go      what TLS clients say that they will speak
//	pending.go         clients that have said nothing yet, and Stop
//	tls.go             certificates, from files that may be replaced, or made
//	grpc_conn.go       a connection as grpc-go gets it
//	tls_creds.go       grpc-go's own handshake, where an address is https
//	tls_own.go         how the gateway calls this node and no other
//	grpc.go            the gRPC server: its limits, its chain of interceptors
//	services.go        its services; extend.go adds those of the program around it
//	stack.go           handlers that begin with enough stack
//	servehttp.go       the HTTP server, and gRPC requests that come by way of it
//	http*.go           what it serves: pages and the gateway, metrics and health
//
// grpc-go's transport serves HTTP/2, in clear or over TLS, and net/http all else.
// etcd gives net/http every TLS connection that shares its port with HTTP, and
// takes the gRPC requests back through ServeHTTP; ServeTLSThroughHTTP does that
// here too. Clients that offer HTTP/1 beside HTTP/2 come that way in any case: it
// is the one that can serve both.
package serve
