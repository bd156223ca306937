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

// statsHandler receives grpc-go's own reports. A report about a request comes on the goroutine
// that handles the request.
type statsHandler struct{ front *Front }

// connKey is the key of a connection in the context of its requests.
type connKey struct{}

// connFrom returns the connection that a request's context descends from, or nil if it is
// not observed.
func connFrom(ctx context.Context) *serverConn {
	c, _ := ctx.Value(connKey{}).(*serverConn)
	return c
}

// TagConn begins ServeStreams. It returns the context that all requests of the connection
// descend from, with the connection in it. The peer's address in it is replaced by the plain
// one, which handlers would find without the seam.
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
	h.front.conns.Store(addr.conn, struct{}{})
	addr.conn.trace.Begin(stages.ServeStreams)
	return context.WithValue(ctx, connKey{}, addr.conn)
}

// HandleConn ends ServeStreams: nothing reads the connection or writes to it any more.
func (h statsHandler) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); !ok {
		return
	}
	if c := connFrom(ctx); c != nil {
		c.trace.End(stages.ServeStreams)
		c.endServeStreams()
	}
}

// TagRPC returns ctx as it is: it has carried the record since the tap or since ServeHTTP.
func (statsHandler) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	if s := streamFrom(ctx); s != nil {
		s.enterHTTP()
	}
	return ctx
}

// HandleRPC stamps ProcessRPC and the stages that end with one of grpc-go's reports.
func (h statsHandler) HandleRPC(ctx context.Context, e stats.RPCStats) {
	switch e := e.(type) {
	case *stats.InHeader:
		if e.Compression != "" {
			noteCompression(streamFrom(ctx), e.Compression)
		}
	case *stats.Begin:
		if s := streamFrom(ctx); s != nil {
			h.front.holds.Reach(s.Context, s.rec, stages.ProcessRPC)
			s.beginProcessRPC(e)
		}
	case *stats.OutPayload:
		if s := streamFrom(ctx); s != nil {
			s.endSendMsg()
		}
	case *stats.OutTrailer:
		if s := streamFrom(ctx); s != nil {
			h.front.endWriteStatus(s)
		}
	case *stats.End:
		if s := streamFrom(ctx); s != nil {
			s.endProcessRPC(e.Error)
		}
	}
}

// maxCompression is how many bytes are kept of a compressor's name, which the client chooses.
const maxCompression = 32

// noteCompression notes how the request's messages are compressed.
func noteCompression(s *stream, how string) {
	if s != nil && !s.rec.Finished() {
		s.rec.Facts().Compression = how[:min(len(how), maxCompression)]
	}
}

// beginProcessRPC is called with the report that processRPC has begun.
func (s *stream) beginProcessRPC(e *stats.Begin) {
	s.rec.Begin(stages.ProcessRPC)
	s.rec.Mark(record.MarkBegun)
	if e.IsClientStream || e.IsServerStream {
		s.rec.Mark(record.MarkStreaming)
	}
}

// endSendMsg is called with the report of a payload, which is the last thing that SendMsg does.
// In a unary call the status comes next.
func (s *stream) endSendMsg() {
	if s.rec.Has(record.MarkStreaming) {
		return // serverStream stamps each message
	}
	now := record.Now()
	s.rec.EndAt(stages.SendMsg, now)
	s.rec.BeginAt(stages.WriteStatus, now)
}

// endWriteStatus is called when the trailers are in the control buffer. It ends a request for
// which there was no handler.
func (f *Front) endWriteStatus(s *stream) {
	now := record.Now()
	s.rec.EndAt(stages.WriteStatus, now)
	s.rec.BeginAt(stages.Flush, now)
	if s.rec.Has(record.MarkBegun) {
		return
	}
	if s.entered.Load() {
		s.rec.EndAt(stages.HandleStream, now)
	} else {
		s.rec.EndAt(stages.StartHandler, now) // the name is malformed: handleStream asked for no value
	}
	s.rec.SetCode(uint32(codes.Unimplemented), f.unimplementedMessage(s.method))
	s.done(record.EventHandled)
}

// endProcessRPC is called with the report that processRPC has ended. The error is the status
// that was sent.
func (s *stream) endProcessRPC(err error) {
	now := record.Now()
	for _, stage := range [...]stages.Stage{stages.SendMsg, stages.WriteStatus} {
		if begun, sent := s.rec.Stamps(stage); begun != 0 && sent == 0 {
			s.rec.EndAt(stage, now) // the message or the status could not be sent
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

// unimplementedMessage returns grpc-go's message for a request without a handler.
func (f *Front) unimplementedMessage(method string) string {
	service, name, ok := splitMethod(method)
	if !ok {
		return fmt.Sprintf("malformed method name: %q", method)
	}
	if _, known := f.services[service]; known {
		return fmt.Sprintf("unknown method %v for service %v", name, service)
	}
	return fmt.Sprintf("unknown service %v", service)
}

// handles reports whether a handler is registered for the method.
func (f *Front) handles(method string) bool {
	_, ok := f.methods[method]
	return ok
}

// splitMethod splits "/service/method". It returns false for a name that grpc-go calls
// malformed.
func splitMethod(method string) (service, name string, ok bool) {
	rest, ok := strings.CutPrefix(method, "/")
	at := strings.LastIndexByte(rest, '/')
	if !ok || at < 0 {
		return "", "", false
	}
	return rest[:at], rest[at+1:], true
}
