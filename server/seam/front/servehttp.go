package front

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"glasskv/server/seam/client"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// serveHTTP observes grpc.(*Server).ServeHTTP, by which net/http passes a gRPC request to
// grpc-go on an https address that also serves HTTP/1. Such a request has no grpc-go
// connection and no tap, and its frames are not seen. Its record begins with the call of
// ServeHTTP. The stream is in the HTTP request's context, from which grpc-go derives the
// handler's, so the stats handler, the codec and the chain find it as in any request.
func (f *Front) serveHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, c := f.beginServeHTTP(r)
		if s == nil {
			next.ServeHTTP(w, r)
			return
		}
		defer s.endServeHTTP(r, c)
		ctx := context.WithValue(r.Context(), streamKey{}, s)
		ctx = context.WithValue(ctx, recordKey, s.rec)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// beginServeHTTP begins the record of a request. It returns nil if the request is not recorded.
func (f *Front) beginServeHTTP(r *http.Request) (*stream, *httpConn) {
	c := httpConnFrom(r.Context())
	if c == nil {
		return nil, nil
	}
	now := c.requestBegin(r, record.Now())
	streams := c.grpcStreams()
	if streams.conn == nil {
		return nil, nil // the connection is closed
	}
	rec := f.rec.Start(c.trace, streams.next.Add(2)-1, now)
	if rec == nil {
		return nil, nil
	}
	rec.Mark(record.MarkServeHTTP)
	rec.BeginAt(stages.ServeHTTP, now)
	rec.Facts().Method = r.URL.Path
	if parent := r.Header[http.CanonicalHeaderKey(client.HeaderTraceParent)]; len(parent) == 1 {
		rec.Adopt(parent[0])
		f.gatewayCalls.join(parent[0], rec)
	}
	s := &stream{Context: r.Context(), rec: rec, conn: streams.conn, method: r.URL.Path}
	s.handed.Store(true) // net/http has started its goroutine
	streams.conn.streams.add(s)
	s.done(record.EventRead) // its frames are not seen
	return s, c
}

// endServeHTTP is called when ServeHTTP returns. Then net/http writes the status, unless the
// client is gone.
func (s *stream) endServeHTTP(r *http.Request, c *httpConn) {
	now := record.Now()
	s.rec.EndAt(stages.ServeHTTP, now)
	if !s.rec.Has(record.MarkBegun) {
		s.done(record.EventHandled) // refused, or no handler: grpc-go reports no End
	}
	if r.Context().Err() != nil {
		s.rec.Mark(record.MarkReset)
		s.done(record.EventWire)
		return
	}
	s.ending.Store(true)
	c.onReplyWritten(func(end int64, lost bool) {
		if lost {
			s.conn.lose(s)
			return
		}
		s.endFlush(now, end)
	})
}

// enterHTTP is called by TagRPC, for requests whose context is not the stream itself. It begins
// HandleStream if the request came by ServeHTTP.
func (s *stream) enterHTTP() {
	if s.rec.Has(record.MarkServeHTTP) && s.entered.CompareAndSwap(false, true) {
		s.rec.Begin(stages.HandleStream)
	}
}

// grpcStreams are the requests of one connection of net/http's that grpc-go handles. They are
// numbered, because HTTP/2's stream IDs are not seen.
type grpcStreams struct {
	once sync.Once
	conn *serverConn   // holds the streams; nothing is read or written by it
	next atomic.Uint32 // the last number, plus 1
}

// grpcStreams returns the connection's grpcStreams. Their conn is nil if the connection is
// closed.
func (c *httpConn) grpcStreams() *grpcStreams {
	c.grpc.once.Do(func() {
		c.grpc.conn = &serverConn{Conn: c.Conn, front: c.front, trace: c.trace}
		c.front.conns.Store(c.grpc.conn, struct{}{})
	})
	return &c.grpc
}

// end is called when the connection is closed. Handlers may still run.
func (g *grpcStreams) end() {
	g.once.Do(func() {}) // from now on, no conn is made
	if g.conn != nil {
		g.conn.streams.each(func(s *stream) {
			if !s.replyEnded() {
				g.conn.lose(s)
			}
		})
		g.conn.closed.Store(true)
		g.conn.front.forget(g.conn)
	}
}
