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

// http observes requests that come as HTTP/1, from the first byte that the
// connection read of one to the last that it wrote. It stands outermost, so that
// requests which are refused have a timeline too.
func (o *Front) http(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := record.Now()
		conn := httpConnFrom(r.Context())
		rec := o.beginHTTP(conn, r, now)
		if rec == nil {
			next.ServeHTTP(w, r)
			return
		}
		o.noteHTTP(rec, r, w.Header())
		reply := &httpReply{ResponseWriter: w, rec: rec, conn: conn}
		defer reply.handled()
		next.ServeHTTP(reply, r.WithContext(context.WithValue(r.Context(), recordKey, rec)))
		reply.returned = true
	})
}

// beginHTTP begins a record as the handler does, whose request was being read
// until now. A connection that is not seen leaves that out.
func (o *Front) beginHTTP(conn *httpConn, r *http.Request, now int64) *record.Record {
	begin, tc := now, (*record.Conn)(nil)
	if conn != nil {
		begin, tc = conn.arrived(r, now), conn.trace
	}
	rec := o.rec.Start(tc, 0, begin)
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

// noteHTTP notes what is asked for. A client that sent a traceparent is told
// where to find its request, as over gRPC.
func (o *Front) noteHTTP(rec *record.Record, r *http.Request, reply http.Header) {
	rec.Mark(record.MarkHTTP)
	rec.Facts().Method = r.Method + " " + r.URL.Path
	if r.ContentLength > 0 {
		rec.AddIn(int(r.ContentLength))
	}
	if parent := r.Header.Values(client.HeaderTraceParent); len(parent) == 1 && rec.Adopt(parent[0]) {
		reply.Set(client.HeaderTraceParent, rec.TraceParent())
		if o.opts.TraceURL != "" {
			reply.Set(client.HeaderTraceURL, o.opts.TraceURL)
		}
	}
}

// httpReply is the answer to a request: it remembers the status and counts the
// bytes of the body. What else the real one can do is found by Unwrap.
type httpReply struct {
	http.ResponseWriter
	rec      *record.Record
	conn     *httpConn // nil when it is not seen
	status   int
	returned bool // the handler did, and did not panic
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

// Unwrap is for http.ResponseController.
func (w *httpReply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what is written so far; a watch does after each event.
func (w *httpReply) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *httpReply) FlushError() error {
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// handled ends the handler's part of the record. What is left is net/http's: to
// write out what it has buffered.
func (w *httpReply) handled() {
	now := record.Now()
	w.rec.EndAt(stages.HTTPHandler, now)
	switch {
	case !w.returned:
		w.rec.Mark(record.MarkPanic)
	case w.status == 0:
		w.status = http.StatusOK
	}
	w.rec.Facts().HTTPStatus = w.status
	if _, seen := w.rec.Code(); !seen {
		w.rec.SetCode(uint32(codeOfPage(w.status)), "")
	}
	w.rec.BeginAt(stages.HTTPFlush, now)
	w.rec.Done(record.EventHandled)
	if w.conn == nil {
		w.out(now, false)
		return
	}
	w.conn.replied(w.out)
}

// out is called when the reply is with the kernel, or lost.
func (w *httpReply) out(end int64, lost bool) {
	w.rec.EndAt(stages.HTTPFlush, end)
	if lost {
		w.rec.Mark(record.MarkConnClosed)
	}
	w.rec.Done(record.EventWire)
}

// codeOfPage is the gRPC code that says most nearly what a page's status does.
// The gateway has the call's own code.
func codeOfPage(status int) codes.Code {
	switch {
	case status == 0:
		return codes.Internal // the handler panicked: net/http hangs up
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
	o *Front
}

// Accept returns connections that observe what net/http does to them.
func (l *httpListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &httpConn{Conn: conn, o: l.o, trace: l.o.claim(conn, record.Now())}, nil
}

// SyscallConn gives channelz the socket's options.
func (l *httpListener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// httpConn is a connection as net/http has it, below TLS. What passes may be
// encrypted, so requests are told apart by when bytes pass and not by what they
// are. Its deadlines tell where net/http is, as handleRawConn's do: SetDeadline
// surrounds a handshake, and SetWriteDeadline follows a reply of HTTP/1.
type httpConn struct {
	net.Conn
	o     *Front
	trace *record.Conn

	shaking atomic.Bool  // in the TLS handshake
	serving atomic.Bool  // net/http serves it
	used    atomic.Bool  // it has carried a request
	http2   atomic.Bool  // many requests share it
	first   atomic.Int64 // when the first byte of the latest request was read; zero between two of HTTP/1
	agreed  sync.Once    // notes what the handshake agreed on
	grpc    grpcStreams  // those of its requests that grpc-go handles

	mu      sync.Mutex
	written int64                        // when the last Write returned, of those for a handler that has
	failed  bool                         // that Write could not write
	waiting []func(end int64, lost bool) // see replied
}

// httpConnFrom returns the connection that a request came on, from the request's
// context, or nil for one that is not observed.
func httpConnFrom(ctx context.Context) *httpConn {
	conn := serve.ConnFromContext(ctx)
	c, ok := beneath[*httpConn](conn)
	if !ok {
		return nil
	}
	if secure, ok := conn.(*tls.Conn); ok {
		c.agreed.Do(func() { noteTLS(c.trace, secure.ConnectionState()) })
	}
	return c
}

// NetConn returns the connection below.
func (c *httpConn) NetConn() net.Conn { return c.Conn }

// SyscallConn gives the socket to those who set or read its options.
func (c *httpConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

// arrived is called by a handler as it begins. It returns when the first byte of
// its request was read. That is known of HTTP/1 alone; where many requests share
// the connection, it returns now.
func (c *httpConn) arrived(r *http.Request, now int64) int64 {
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

// replied is called by a handler as it returns, and has done called when its
// reply is with the kernel, or is lost with the connection. Under HTTP/2 the end
// is that of the next Write, which may have been for another request.
func (c *httpConn) replied(done func(end int64, lost bool)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		c.written, c.failed = 0, false
	}
	c.waiting = append(c.waiting, done)
}

// out tells the first n of those that wait that their reply is out.
func (c *httpConn) out(n int, lost bool) {
	c.mu.Lock()
	n = min(n, len(c.waiting))
	over := slices.Clone(c.waiting[:n])
	c.waiting = slices.Delete(c.waiting, 0, n)
	end, lost := c.written, lost || c.failed
	c.mu.Unlock()
	if n > 0 && end == 0 {
		end = record.Now() // it was written before the handler returned
	}
	for _, done := range over {
		done(end, lost)
	}
}

// Read notes the first byte of each request.
func (c *httpConn) Read(p []byte) (int, error) {
	if !c.shaking.Load() && !c.serving.Load() {
		c.served(record.Now())
	}
	n, err := c.Conn.Read(p)
	if n > 0 && c.serving.Load() && c.first.Load() == 0 {
		c.first.CompareAndSwap(0, record.Now())
	}
	return n, err
}

// Write notes when it returned, if somebody waits for that.
func (c *httpConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	before := len(c.waiting)
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	if before == 0 {
		return n, err
	}
	c.mu.Lock()
	c.written, c.failed = record.Now(), err != nil
	c.mu.Unlock()
	if c.http2.Load() {
		c.out(before, false)
	}
	return n, err
}

// SetDeadline is called as a handshake begins and when it is over. Without one
// it is never called.
func (c *httpConn) SetDeadline(t time.Time) error {
	now := record.Now()
	switch {
	case c.serving.Load():
	case !t.IsZero():
		c.shaking.Store(true)
		c.trace.EndAt(stages.NetAccept, now)
		c.trace.BeginAt(stages.TLSHandshake, now)
	default:
		c.trace.EndAt(stages.TLSHandshake, now)
		c.shaking.Store(false)
		c.served(now)
	}
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline is called by net/http when a reply of HTTP/1 is out.
func (c *httpConn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() && c.used.Load() && !c.http2.Load() {
		c.first.Store(0)
		c.out(1, false)
	}
	return c.Conn.SetWriteDeadline(t)
}

// served is called when net/http begins to serve the connection.
func (c *httpConn) served(now int64) {
	if !c.serving.CompareAndSwap(false, true) {
		return
	}
	if _, ended := c.trace.Stamps(stages.NetAccept); ended == 0 {
		c.trace.EndAt(stages.NetAccept, now)
	}
	c.trace.BeginAt(stages.HTTPConn, now)
}

// Close ends the connection, and loses the replies that are not out.
func (c *httpConn) Close() error {
	err := c.Conn.Close()
	if c.shaking.Load() {
		c.trace.End(stages.TLSHandshake)
		c.trace.Fail("closed during the TLS handshake") // unless the reason is known
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
	c.out(waiting, true)
	c.grpc.close()
	return err
}

// handshakeFailure notes why a handshake of net/http's clients came to nothing.
func handshakeFailure(conn *tls.Conn, err error) {
	if c, ok := beneath[*httpConn](conn); ok {
		c.trace.End(stages.TLSHandshake)
		c.trace.Fail(whyRefused(err))
	}
}
