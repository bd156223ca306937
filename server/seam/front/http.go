package front

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"glasskv/server/seam/client"
	"glasskv/server/serve"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc/codes"
)

// http observes requests over HTTP/1, from the first byte read of a request to the last byte
// written of its reply. It must be the outermost handler, so that requests that others refuse
// have a timeline too.
func (f *Front) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := record.Now()
		conn := httpConnFrom(r.Context())
		rec := f.beginHTTP(conn, r, now)
		if rec == nil {
			next.ServeHTTP(w, r)
			return
		}
		f.noteHTTPRequest(rec, r, w.Header())
		reply := &httpReply{ResponseWriter: w, rec: rec, conn: conn}
		defer reply.endHandler()
		next.ServeHTTP(reply, r.WithContext(context.WithValue(r.Context(), recordKey, rec)))
		reply.returned = true
	})
}

// beginHTTP begins the record of a request whose handler begins now. If the connection is not
// observed, conn is nil, and the record does not say how long it took to read the request.
func (f *Front) beginHTTP(conn *httpConn, r *http.Request, now int64) *record.Record {
	begin, tc := now, (*record.Conn)(nil)
	if conn != nil {
		begin, tc = conn.requestBegin(r, now), conn.trace
	}
	rec := f.rec.Start(tc, 0, begin)
	if rec == nil {
		return nil
	}
	if conn != nil {
		rec.BeginAt(stages.HTTPReadRequest, begin)
		rec.EndAt(stages.HTTPReadRequest, now)
	}
	rec.BeginAt(stages.HTTPHandler, now)
	rec.Done(record.EventRead)
	return rec
}

// noteHTTPRequest notes what a request is about. A client that sent a traceparent is told where
// the timeline of its request can be fetched, as over gRPC.
func (f *Front) noteHTTPRequest(rec *record.Record, r *http.Request, reply http.Header) {
	rec.Mark(record.MarkHTTP)
	rec.Facts().Method = r.Method + " " + r.URL.Path
	if r.ContentLength > 0 {
		rec.AddIn(int(r.ContentLength))
	}
	if parent := r.Header.Values(client.HeaderTraceParent); len(parent) == 1 && rec.Adopt(parent[0]) {
		reply.Set(client.HeaderTraceParent, rec.TraceParent())
		if f.opts.TraceURL != "" {
			reply.Set(client.HeaderTraceURL, f.opts.TraceURL)
		}
	}
}

// httpReply notes the status of a reply and counts the bytes of its body. By Unwrap,
// http.ResponseController finds what else the ResponseWriter can do.
type httpReply struct {
	http.ResponseWriter
	rec      *record.Record
	conn     *httpConn // nil if it is not observed
	status   int       // 0 until it is known
	returned bool      // the handler has returned, so it did not panic
}

func (w *httpReply) WriteHeader(status int) {
	if w.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *httpReply) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.rec.AddOut(n)
	return n, err
}

// Unwrap is used by http.ResponseController.
func (w *httpReply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher. A watch flushes after each event.
func (w *httpReply) Flush() { _ = w.FlushError() }

// FlushError is used by http.ResponseController.
func (w *httpReply) FlushError() error {
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// endHandler is called when the handler has returned or is panicking. What is left is
// for net/http to do: it writes what it has buffered.
func (w *httpReply) endHandler() {
	now := record.Now()
	w.rec.EndAt(stages.HTTPHandler, now)
	switch {
	case !w.returned:
		w.rec.Mark(record.MarkPanic)
	case w.status == 0:
		w.status = http.StatusOK
	}
	w.rec.Facts().HTTPStatus = w.status
	if _, seen := w.rec.Code(); !seen { // a call through the gateway has its own
		w.rec.SetCode(uint32(codeOfPage(w.status)), "")
	}
	w.rec.BeginAt(stages.HTTPFlush, now)
	w.rec.Done(record.EventHandled)
	if w.conn == nil {
		w.endFlush(now, false)
		return
	}
	w.conn.onReplyWritten(w.endFlush)
}

// endFlush is called when the reply is written or lost.
func (w *httpReply) endFlush(end int64, lost bool) {
	w.rec.EndAt(stages.HTTPFlush, end)
	if lost {
		w.rec.Mark(record.MarkConnClosed)
	}
	w.rec.Done(record.EventWire)
}

// codeOfPage returns the gRPC code that is nearest to the HTTP status of a page.
func codeOfPage(status int) codes.Code {
	switch {
	case status == 0:
		return codes.Internal // the handler panicked: net/http closes the connection
	case status < http.StatusBadRequest:
		return codes.OK
	case status == http.StatusNotFound:
		return codes.NotFound
	case status == http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	case status == http.StatusMisdirectedRequest:
		return codes.PermissionDenied
	case status == http.StatusServiceUnavailable:
		return codes.Unavailable
	case status < http.StatusInternalServerError:
		return codes.InvalidArgument
	}
	return codes.Internal
}

// httpListener observes net/http's accept loop, below TLS.
type httpListener struct {
	net.Listener
	front *Front
}

// Accept returns an httpConn.
func (l *httpListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &httpConn{Conn: conn, front: l.front, trace: l.front.claim(conn, record.Now())}, nil
}

// SyscallConn returns the listener's socket, for channelz.
func (l *httpListener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// httpConn is a connection as net/http sees it, below TLS. What passes may be encrypted, so a
// request is recognized by the time at which bytes pass and not by their content. As with
// handleRawConn, deadlines show where net/http is: it calls SetDeadline before and after a
// handshake, and SetWriteDeadline after a reply of HTTP/1.
type httpConn struct {
	net.Conn
	front *Front
	trace *record.Conn

	handshaking atomic.Bool  // the TLS handshake is under way
	serving     atomic.Bool  // net/http serves it
	used        atomic.Bool  // it has carried a request
	http2       atomic.Bool  // requests may overlap
	first       atomic.Int64 // when the first byte of the latest request was read; 0 between two requests of HTTP/1
	tlsOnce     sync.Once    // guards noteTLS
	grpc        grpcStreams  // the requests that grpc-go handles

	mu        sync.Mutex
	writtenAt int64                        // when the last Write that began with a waiting reply returned; 0 if none has
	lost      bool                         // that Write failed
	waiting   []func(end int64, lost bool) // in the order in which the handlers returned, see onReplyWritten
}

// httpConnFrom returns the connection of a request's context, or nil if it is not observed.
func httpConnFrom(ctx context.Context) *httpConn {
	conn := serve.ConnFromContext(ctx)
	c, ok := unwrap[*httpConn](conn)
	if !ok {
		return nil
	}
	if secure, ok := conn.(*tls.Conn); ok {
		c.tlsOnce.Do(func() { noteTLS(c.trace, secure.ConnectionState()) })
	}
	return c
}

// NetConn returns the connection below.
func (c *httpConn) NetConn() net.Conn { return c.Conn }

// SyscallConn returns the socket, for socket options.
func (c *httpConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

// requestBegin returns when the first byte of the request was read. A handler calls it as it
// begins. Over HTTP/2 that byte is not known, and requestBegin returns the current time.
func (c *httpConn) requestBegin(r *http.Request, now int64) int64 {
	c.used.Store(true)
	if r.ProtoMajor != 1 {
		c.http2.Store(true)
		return now
	}
	if first := c.first.Load(); first != 0 {
		return min(first, now)
	}
	return now
}

// onReplyWritten sees to it that done is called when the reply is written, or lost with the
// connection. A handler calls it as it returns. Over HTTP/2, end is when the connection's next
// Write returns, which may be a Write for another request.
func (c *httpConn) onReplyWritten(done func(end int64, lost bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.writtenAt, c.lost = 0, false
	}
	c.waiting = append(c.waiting, done)
}

// endReplies calls done for the first n of the waiting replies.
func (c *httpConn) endReplies(n int, lost bool) {
	c.mu.Lock()
	n = min(n, len(c.waiting))
	over := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	end, lost := c.writtenAt, lost || c.lost
	c.mu.Unlock()
	if n > 0 && end == 0 {
		end = record.Now() // the reply was written before the handler returned
	}
	for _, done := range over {
		done(end, lost)
	}
}

// Read implements net.Conn. It notes the first byte of each request.
func (c *httpConn) Read(p []byte) (int, error) {
	if !c.handshaking.Load() && !c.serving.Load() {
		c.beginServing(record.Now())
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.serving.Load() && c.first.Load() == 0 {
		c.first.CompareAndSwap(0, record.Now())
	}
	return n, err
}

// Write implements net.Conn. If a reply waits to be written, it notes when Write returned.
func (c *httpConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	before := len(c.waiting)
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	if before == 0 {
		return n, err
	}
	c.mu.Lock()
	c.writtenAt, c.lost = record.Now(), err != nil
	c.mu.Unlock()
	if c.http2.Load() {
		c.endReplies(before, false)
	}
	return n, err
}

// SetDeadline is called before and after a TLS handshake, and never on a connection without
// TLS.
func (c *httpConn) SetDeadline(t time.Time) error {
	now := record.Now()
	switch {
	case c.serving.Load():
	case !t.IsZero():
		c.handshaking.Store(true)
		c.trace.EndAt(stages.NetAccept, now)
		c.trace.BeginAt(stages.TLSHandshake, now)
	default:
		c.trace.EndAt(stages.TLSHandshake, now)
		c.handshaking.Store(false)
		c.beginServing(now)
	}
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline is called by net/http when a reply of HTTP/1 is written.
func (c *httpConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && c.used.Load() && !c.http2.Load() {
		c.first.Store(0)
		c.endReplies(1, false)
	}
	return c.Conn.SetWriteDeadline(t)
}

// beginServing is called when net/http begins to serve the connection. Later calls do nothing.
func (c *httpConn) beginServing(now int64) {
	if !c.serving.CompareAndSwap(false, true) {
		return
	}
	if _, ended := c.trace.Stamps(stages.NetAccept); ended == 0 {
		c.trace.EndAt(stages.NetAccept, now)
	}
	c.trace.BeginAt(stages.HTTPConn, now)
}

// Close closes the connection. Replies that are not written are lost.
func (c *httpConn) Close() error {
	err := c.Conn.Close()
	if c.handshaking.Load() {
		c.trace.End(stages.TLSHandshake)
		c.trace.Fail("closed during the TLS handshake") // no effect if handshakeFailure has noted the reason
	}
	if c.serving.Load() {
		c.trace.End(stages.HTTPConn)
	}
	if !c.used.Load() {
		c.trace.Fail("it was closed before a whole request had come")
	}
	c.mu.Lock()
	waiting := len(c.waiting)
	c.mu.Unlock()
	c.endReplies(waiting, true)
	c.grpc.end()
	return err
}

// handshakeFailure notes why a TLS handshake with a client of net/http failed.
func handshakeFailure(conn *tls.Conn, err error) {
	if c, ok := unwrap[*httpConn](conn); ok {
		c.trace.End(stages.TLSHandshake)
		c.trace.Fail(handshakeFailureReason(err))
	}
}
