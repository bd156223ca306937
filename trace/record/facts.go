package record

// Facts are what a seam knows of a request besides its stamps. They are set by
// the goroutine that reads the connection and by the handler's, before the
// request is finished.
type Facts struct {
	Method    string // "/etcdserverpb.KV/Put"; empty when it was turned away before its name was known
	Sampled   bool   // the client's traceparent asked for it to be sampled
	Remote    bool   // the trace ID came from the client's traceparent
	Revision  int64  // the store's revision after a write; zero when unknown
	ValueSize int    // bytes of the value written; never the value
	Lease     int64  // the lease that it is about; zero for none

	HTTPStatus int // of a request that came as HTTP/1; zero for every other

	Compression string // how its messages were compressed, such as "gzip"; empty for not at all
}

// Mark notes something that happened to a request and is not a stage.
type Mark uint32

// The marks.
const (
	MarkTapped     Mark = 1 << iota // the tap saw it: operateHeaders took it
	MarkBegun                       // stats Begin: a handler was found for it
	MarkReset                       // the client reset the stream
	MarkResetSent                   // the server reset the stream
	MarkConnClosed                  // the connection ended before the reply was out
	MarkSwept                       // it never completed; the sweeper closed it
	MarkStopping                    // the server was being stopped
	MarkStreaming                   // it is a streaming call
	MarkClient                      // it was recorded by our own client
	MarkOpener                      // it is the first request of its connection
	MarkHTTP                        // it came as HTTP/1
	MarkServeHTTP                   // net/http read it and handed it to grpc.(*Server).ServeHTTP
	MarkConnection                  // it is no request: a connection that never carried one
	MarkEmbedded                    // it is part of another request's timeline
	MarkInProcess                   // a handler of this server made it, without a connection
	MarkGoAway                      // the server had said GOAWAY on its connection before it was over
	MarkPanic                       // its handler panicked
	MarkWorker                      // one of the server's stream workers handled it
	MarkSpilled                     // all stream workers were busy: it got a goroutine of its own
	MarkTimedOut                    // the transport reset it because its deadline had passed
)

// Event is one of the three things that complete a record, in any order.
type Event uint32

// The events that complete a record.
const (
	EventHandled Event = 1 << iota // stats End, or OutTrailer where there was no Begin, or never handed to a handler
	EventWire                      // the reply's last frame is written, or the stream or connection is gone
	EventRead                      // the reader is past this stream's HEADERS: the tap can no longer come

	AllEvents = EventHandled | EventWire | EventRead
)
