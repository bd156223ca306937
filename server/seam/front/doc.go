// Package front observes grpc-go and net/http, which run unmodified, through the hooks
// that they offer. The files, in the order in which a request meets them:
//
//	front.go        Front: the hooks of one server, joined
//	listener.go     the two accepts: the port's, and grpc-go's behind cmux
//	handshake.go    handleRawConn, by the deadlines that it sets, and the credentials in it
//	conn.go         the connection as grpc-go's transport reads and writes it, frame by frame
//	  readbuffer.go   the read buffer that replaces the transport's own
//	  flowcontrol.go  the client's windows, and replies that wait for them
//	  turnedaway.go   requests that operateHeaders refuses, and those after GOAWAY
//	  streams.go      a frame's stream ID leads to its request
//	context.go      the stream as the request's context: from the tap to handleStream
//	stats.go        the stats handler: a connection's life, processRPC, the status
//	desc.go         the services' descriptions: receiving, decoding, encoding, sending
//	handlers.go     the interceptor chain, the handler, and what a request is about
//	inprocess.go    handlers that the server itself calls, for locks and elections
//	sweep.go        requests that stop halfway
//	http.go         connections of net/http, and the requests over HTTP/1
//	servehttp.go    gRPC requests that net/http passes to grpc-go
//	gateway.go      the gateway, and the gRPC call that it makes
//	metrics.go      all stages added up, for Prometheus
//
// # When a request is over
//
// Three events complete a record. In the usual case they come from three goroutines, in
// any order; the last one finishes the record.
//
//	handler's goroutine   ── stats.End, the handler has returned ────────► EventHandled ┐
//	loopyWriter           ── the reply's last frame was written ─────────► EventWire    ├─► finished
//	connection's reader   ── it reads on behind the request's HEADERS ───► EventRead    ┘
//
// In the other cases an event is reported by whatever shows that its usual sender will
// not report it:
//
//	EventHandled   no method of that name    stats.OutTrailer
//	               refused before a handler  the reader, together with EventRead
//	               reset or closed, and no   the reader, or HandleConn(ConnEnd)
//	               method of that name
//	EventWire      reset by the client       the reader
//	               connection closed         Close, a failed Write, or HandleConn(ConnEnd)
//	               dropped after GOAWAY      the reader, or the Write of the GOAWAY
//	EventRead      connection closed         HandleConn(ConnEnd)
//
// A request by way of net/http reports EventRead when its record begins.
//
// A request is swept if EventHandled or EventWire has come, another event has not, and for
// ten seconds no event came and no frame of the reply was written. The sweeper reports the
// missing events, marks the record and counts it.
package front
