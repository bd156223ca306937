// Package front observes grpc-go and net/http, which run unmodified, from the places
// that they offer. In the order in which a request meets them:
//
//	cmux.go         the accept on the port, and what cmux makes of it
//	listener.go     grpc-go's accept loop, and accepts that fail
//	conn_raw.go     handleRawConn, by the deadlines that it sets
//	creds.go        the handshake; its result is wrapped again:
//	conn.go         the connection as the transport reads and writes it
//	  incoming.go     its reading half: each frame as it is consumed
//	  outgoing.go     its writing half: each frame as it is handed to the kernel
//	  flowcontrol.go  the windows that the client grants, and replies that wait for them
//	  goaway.go       what becomes of requests after GOAWAY
//	  readbuffer.go   the buffer that the reading half took over from the transport
//	  turnedaway.go   what is known of a request that was refused while its headers were read
//	streams.go      from a frame's stream ID to the request
//	tap.go          the end of operateHeaders
//	context.go      the request's context, which is the stream itself
//	workers.go      on whose goroutine a request is handled
//	stats.go        what grpc-go reports: a connection's life, processRPC, the status
//	desc.go         a service's handlers, around decoding and encoding (codec.go)
//	message.go      what a request is about
//	interceptor.go  the chain, and the handler inside it
//	handlers.go     which stage each method's handler is
//	inprocess.go    the handlers as the server itself calls them, for locks and elections
//	sweep.go        requests that stop halfway
//	httpconn.go     a connection of net/http's, below TLS
//	servehttp.go    gRPC requests that come by way of net/http
//	http.go         requests over HTTP/1: pages, and the gateway's
//	gateway.go      the gateway, and the call that it makes to this server
//	metrics.go      all stages added up, for Prometheus
//
// # When a request is over
//
// A record is complete after three events. They come from three goroutines, in any
// order; the last one finishes the record.
//
//	handler's goroutine   ── stats.End, or OutTrailer without a handler ──► EventHandled ┐
//	loopyWriter           ── the reply's last frame is written ───────────► EventWire    ├─► finished
//	connection's reader   ── it is past this stream's HEADERS ────────────► EventRead    ┘
//
// A connection that ends reports for all its streams what can no longer come. What
// merely does not come, the sweeper reports after ten seconds, and counts it.
package front
