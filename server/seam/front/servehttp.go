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

// On an https address shared with HTTP/1, a gRPC request may come to grpc-go by
// way of net/http: grpc.(*Server).ServeHTTP. There is no connection of grpc-go's
// then, no frame and no tap. The record begins with the call of ServeHTTP and
// travels in the HTTP request's context, which the handler's descends from; the
// stats handler, the codec and the chain find it there as they always do.

// serveHTTP observes ServeHTTP.
func (o *Front) serveHTTP(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, c := o.throughHTTP(r)
		if s == nil {
			next.ServeHTTP(w, r)
			return
		}
		defer s.leaveHTTP(r, c)
		ctx := context.WithValue(r.Context(), streamKey{}, s)
		ctx = context.WithValue(ctx, recordKey, s.rec)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// throughHTTP begins the record of a request. It returns nil where there is none.
func (o *Front) throughHTTP(r *http.Request) (*stream, *httpConn) {
	c := httpConnFrom(r.Context())
	if c == nil {
		return nil, nil
	}
	now := c.arrived(r, record.Now())
	streams := c.grpcStreams()
	if streams.conn == nil {
		return nil, nil // the connection is over
	}
	rec := o.rec.Start(c.trace, streams.next.Add(2)-1, now)
	if rec == nil {
		return nil, nil
	}
	rec.Mark(record.MarkServeHTTP)
	rec.BeginAt(stages.ServeHTTP, now)
	rec.Facts().Method = r.URL.Path
	if parent := r.Header[http.CanonicalHeaderKey(client.HeaderTraceParent)]; len(parent) == 1 {
		rec.Adopt(parent[0])
		o.gatewayCalls.join(parent[0], rec)
	}
	s := &stream{Context: r.Context(), rec: rec, conn: streams.conn, method: r.URL.Path}
	s.handed.Store(true) // net/http has a goroutine for it
	streams.conn.streams.add(s)
	s.done(record.EventRead) // there is no reader whose way could be seen
	return s, c
}

// leaveHTTP is called when ServeHTTP returns. The status is with net/http then,
// which writes it after that, if the client is still there.
func (s *stream) leaveHTTP(r *http.Request, c *httpConn) {
	now := record.Now()
	s.rec.EndAt(stages.ServeHTTP, now)
	if !s.rec.Has(record.MarkBegun) {
		s.done(record.EventHandled) // refused, or no handler: nobody else will say so
	}
	if r.Context().Err() != nil {
		s.rec.Mark(record.MarkReset)
		s.done(record.EventWire)
		return
	}
	s.ending.Store(true)
	c.replied(func(end int64, lost bool) {
		if lost {
			s.conn.lose(s)
			return
		}
		s.flushed(now, end)
	})
}

// entersHTTP is called by the stats handler's TagRPC, the first thing of
// handleStream that can be seen where the context is not the seam's own.
func (s *stream) entersHTTP() {
	if s.rec.Has(record.MarkServeHTTP) && s.entered.CompareAndSwap(false, true) {
		s.rec.Begin(stages.HandleStream)
	}
}

// grpcStreams are the requests that came to grpc-go by way of one connection of
// net/http's. They are given numbers, for HTTP/2's own cannot be seen.
type grpcStreams struct {
	once sync.Once
	conn *serverConn // only for its streams: it reads and writes nothing
	next atomic.Uint32
}

// grpcStreams makes room for requests when the first one comes.
func (c *httpConn) grpcStreams() *grpcStreams {
	c.grpc.once.Do(func() {
		c.grpc.conn = &serverConn{Conn: c.Conn, o: c.o, trace: c.trace}
		c.o.conns.Store(c.grpc.conn, struct{}{})
	})
	return &c.grpc
}

// close is called when the connection is over. Handlers may still run.
func (g *grpcStreams) close() {
	g.once.Do(func() {}) // none will come any more
	if g.conn != nil {
		g.conn.streams.all(func(s *stream) {
			if !s.gone() {
				g.conn.lose(s)
			}
		})
		g.conn.over.Store(true)
		g.conn.o.forget(g.conn)
	}
}
