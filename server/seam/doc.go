// Package seam holds every wrapper that observes a stage of a request's way
// through the server. Nothing else below server/ knows of tracing: with no seams
// installed the server is the plain one.
//
// The front half watches grpc-go, which runs unmodified, from the places that it
// offers. In the order in which a request meets them:
//
//	cmux.go         the accept on the port, and what cmux makes of it
//	listener.go     grpc-go's accept loop, and accepts that fail
//	conn_raw.go     handleRawConn, by the deadlines that it sets
//	creds.go        the handshake; what comes out of it is wrapped again:
//	conn.go         the connection as the transport reads and writes it
//	  incoming.go     its reading half: each frame as it is consumed
//	  outgoing.go     its writing half: each frame as it is handed to the kernel
//	  flowcontrol.go  the windows that the client grants, and replies that wait for them
//	  goaway.go       what becomes of requests when the server asks for another connection
//	  frames.go       all of these count frames with this
//	  readbuffer.go   the buffer that the reading half took over from the transport
//	  turnedaway.go   what is known of a request that was refused while its headers were read
//	streams.go      from a frame's stream ID to the request
//	tap.go          the end of operateHeaders
//	context.go      the request's context, which is the stream itself
//	workers.go      on whose goroutine a request is handled
//	stats.go        what grpc-go tells: a connection's life, processRPC, the status
//	desc.go         a service's handlers, around decoding and encoding
//	codec.go        decoding and encoding
//	message.go      what a request is about
//	interceptor.go  the chain, and the handler inside it
//	handlers.go     which stage the handlers beside the key-value store are
//	inprocess.go    the handlers as the server itself calls them, for locks and elections
//	sweep.go        requests that stop halfway
//	httpconn.go     a connection of net/http's, below TLS
//	servehttp.go    gRPC requests that come by way of net/http
//	http.go         requests over HTTP/1: pages, and the gateway's
//	gateway*.go     the gateway, and the call that it makes to this server
//	metrics.go      all stages added up, for Prometheus
//
// The other half watches the proposal: request.go, node.go, ready.go, storage.go,
// wait.go, apply.go, kv.go and read.go; and maintenance.go the work on the
// member's files. watch.go and watch_notified.go follow an event from its write to
// the client, and lease.go what is done with a lease outside of the log. seams.go
// joins them all. hold*.go holds requests where a stage begins, and fault*.go has them
// wait as if something were wrong.
//
// # When a request is over
//
// A record is complete when the handler is through with it, when its reply is on
// the wire or never will be, and when the connection's reader is past its
// headers. These come from three goroutines in any order; whichever is last
// finishes the record. A connection that ends stands in for what cannot come any
// more, and the sweeper for what merely does not.
package seam
