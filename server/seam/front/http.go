package front

import (
	"context"
	"net/http"

	"google.golang.org/grpc/codes"

	"glasskv/server/seam/client"
	"glasskv/trace/record"
	"glasskv/trace/stages"
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
