package front

import (
	"context"
	"fmt"
	"strings"

	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

// statsHandler sees what grpc-go tells of its own work. Every call for a
// request comes on the goroutine that does the work it tells of.
type statsHandler struct{ o *Front }

type connKey struct{}

// connFrom returns the connection that a request's context descends from, or
// nil.
func connFrom(ctx context.Context) *serverConn {
	c, _ := ctx.Value(connKey{}).(*serverConn)
	return c
}

// TagConn is where serveStreams begins. It puts the connection into the context
// that all its requests descend from, and the peer's plain address back.
func (h statsHandler) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	addr, ok := info.RemoteAddr.(connAddr)
	if !ok {
		return ctx
	}
	if p, ok := peer.FromContext(ctx); ok {
		plain := *p
		plain.Addr = addr.Addr
		ctx = peer.NewContext(ctx, &plain)
	}
	h.o.conns.Store(addr.conn, struct{}{})
	addr.conn.trace.Begin(stages.ServeStreams)
	return context.WithValue(ctx, connKey{}, addr.conn)
}

// HandleConn ends serveStreams. Nobody reads the connection or writes to it any
// more.
func (h statsHandler) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); !ok {
		return
	}
	if c := connFrom(ctx); c != nil {
		c.trace.End(stages.ServeStreams)
		c.served()
	}
}

// TagRPC leaves the context alone: it carries the record since the tap, or since
// ServeHTTP was called.
func (statsHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if s := streamFrom(ctx); s != nil {
		s.entersHTTP()
	}
	return ctx
}

// HandleRPC stamps processRPC and what it ends.
func (h statsHandler) HandleRPC(ctx context.Context, e stats.RPCStats) {
	switch e := e.(type) {
	case *stats.InHeader:
		if e.Compression != "" {
			compressed(streamFrom(ctx), e.Compression)
		}
	case *stats.Begin:
		if s := streamFrom(ctx); s != nil {
			h.o.holds.Reach(s.Context, s.rec, stages.ProcessRPC)
			s.begin(e)
		}
	case *stats.OutPayload:
		if s := streamFrom(ctx); s != nil {
			s.sent()
		}
	case *stats.OutTrailer:
		if s := streamFrom(ctx); s != nil {
			h.o.statusWritten(s)
		}
	case *stats.End:
		if s := streamFrom(ctx); s != nil {
			s.end(e.Error)
		}
	}
}

// maxCompression bounds how much of the encoding's name is kept: it is the
// client's.
const maxCompression = 32

func compressed(s *stream, how string) {
	if s != nil && !s.rec.Finished() {
		s.rec.Facts().Compression = how[:min(len(how), maxCompression)]
	}
}

func (s *stream) begin(e *stats.Begin) {
	s.rec.Begin(stages.ProcessRPC)
	s.rec.Mark(record.MarkBegun)
	if e.IsClientStream || e.IsServerStream {
		s.rec.Mark(record.MarkStreaming)
	}
}

// sent ends SendMsg, the last thing of which is to report the payload. After the
// one message of a unary call comes the status.
func (s *stream) sent() {
	if s.rec.Has(record.MarkStreaming) {
		return // serverStream stamps each message
	}
	now := record.Now()
	s.rec.EndAt(stages.SendMsg, now)
	s.rec.BeginAt(stages.WriteStatus, now)
}

// statusWritten is called when the trailers are in the control buffer. A request
// for which no handler was found is over with that.
func (o *Front) statusWritten(s *stream) {
	now := record.Now()
	s.rec.EndAt(stages.WriteStatus, now)
	s.rec.BeginAt(stages.Flush, now)
	if s.rec.Has(record.MarkBegun) {
		return
	}
	if s.entered.Load() {
		s.rec.EndAt(stages.HandleStream, now)
	} else {
		s.rec.EndAt(stages.StartHandler, now) // handleStream was not seen, see context.go
	}
	s.rec.SetCode(uint32(codes.Unimplemented), o.whyUnimplemented(s.method))
	s.done(record.EventHandled)
}

func (s *stream) end(err error) {
	now := record.Now()
	for _, stage := range [...]stages.Stage{stages.SendMsg, stages.WriteStatus} {
		if begun, sent := s.rec.Stamps(stage); begun != 0 && sent == 0 {
			s.rec.EndAt(stage, now) // it could not be sent
		}
	}
	s.rec.EndAt(stages.ProcessRPC, now)
	s.rec.EndAt(stages.HandleStream, now)
	if err == nil {
		s.rec.SetCode(uint32(codes.OK), "")
	} else {
		st := status.Convert(err)
		s.rec.SetCode(uint32(st.Code()), st.Message())
	}
	s.done(record.EventHandled)
}

// whyUnimplemented says what grpc-go tells a client for whose request it has no
// handler.
func (o *Front) whyUnimplemented(method string) string {
	service, name, ok := splitMethod(method)
	if !ok {
		return fmt.Sprintf("malformed method name: %q", method)
	}
	if _, known := o.services[service]; known {
		return fmt.Sprintf("unknown method %v for service %v", name, service)
	}
	return fmt.Sprintf("unknown service %v", service)
}

// handles reports whether a handler is registered for the method.
func (o *Front) handles(method string) bool {
	service, name, _ := splitMethod(method)
	return o.services[service].has(name)
}

// splitMethod cuts "/service/method" in two. It reports false for a name that
// grpc-go calls malformed.
func splitMethod(method string) (service, name string, ok bool) {
	rest, ok := strings.CutPrefix(method, "/")
	at := strings.LastIndexByte(rest, '/')
	if !ok || at < 0 {
		return "", "", false
	}
	return rest[:at], rest[at+1:], true
}
