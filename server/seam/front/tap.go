package front

import (
	"context"

	"glasskv/server/seam/client"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// tap is called by operateHeaders, near its end, for every stream that it has
// found nothing wrong with. It runs on the goroutine that reads the connection
// and under the transport's lock, so the stream whose headers were read last is
// the one that it is called for, and it must not wait for anything.
func (o *Front) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	s := latestOf(ctx)
	if s != nil {
		s.rec.Mark(record.MarkTapped)
		s.method = info.FullMethodName
		s.rec.Facts().Method = s.method
		if parent := info.Header[client.HeaderTraceParent]; len(parent) == 1 {
			s.rec.Adopt(parent[0])
			o.gatewayCalls.join(parent[0], s.rec)
		}
	}
	if o.opts.Tap != nil {
		var err error
		if ctx, err = o.opts.Tap(ctx, info); err != nil {
			s.refuse(err)
			return ctx, err
		}
	}
	if s == nil {
		return ctx, nil
	}
	s.Context = ctx
	s.tapped = record.Now()
	s.rec.EndAt(stages.OperateHeaders, s.tapped)
	return s, nil
}

// latestOf returns the stream whose headers were read last, or nil when it is
// not recorded.
func latestOf(ctx context.Context) *stream {
	if c := connFrom(ctx); c != nil {
		return c.in.latest
	}
	return nil
}

// refuse notes the code that grpc-go answers with when a tap returns err.
func (s *stream) refuse(err error) {
	if s == nil {
		return
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.New(codes.PermissionDenied, err.Error())
	}
	s.rec.SetCode(uint32(st.Code()), st.Message())
}
