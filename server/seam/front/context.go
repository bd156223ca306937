package front

import (
	"context"
	"runtime"
	"strings"

	"glasskv/server/seam/client"
	"glasskv/server/seam/fault"
	"glasskv/server/serve"
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

// A stream is the context that its request travels in, from the tap to the
// handler and below. That saves the context that would carry the record, and it
// lets two calls that grpc-go makes on every request's context tell where the
// request is: operateHeaders asks for Done when it hands the stream on, and
// handleStream asks for a Value as the first thing that it does.

// streamKey is the key under which a stream answers with itself.
type streamKey struct{}

// recordKey is the key under which trace.FromContext looks.
var recordKey = record.ContextKey()

// streamFrom returns the stream that ctx descends from, or nil for a request
// that is not recorded.
func streamFrom(ctx context.Context) *stream {
	s, _ := ctx.Value(streamKey{}).(*stream)
	return s
}

// Done returns the channel that is closed when the request is cancelled. The
// first call comes from operateHeaders, once nothing can stop it any more from
// handing the stream to a goroutine; streams that it turned away are never asked.
func (s *stream) Done() <-chan struct{} {
	if !s.handed.Load() {
		s.rec.BeginAt(stages.StartHandler, s.tapped)
		s.handed.Store(true)
	}
	return s.Context.Done()
}

// Value returns what the request's context holds under key. The first call for a
// key that is not our own comes from handleStream, which reads the metadata
// before all else. It does not when the method's name is malformed.
func (s *stream) Value(key any) any {
	switch key {
	case streamKey{}:
		return s
	case recordKey:
		return s.rec
	}
	if !s.entered.Load() && s.entered.CompareAndSwap(false, true) {
		now := record.Now()
		s.rec.EndAt(stages.StartHandler, now)
		if s.conn.o.faults.IsOn(fault.FullQuota) {
			now = s.queue(now)
		}
		s.rec.BeginAt(stages.HandleStream, now)
		if _, streaming := s.conn.o.streams[s.method]; !streaming {
			serve.GrowStack(0) // the handler needs it, and so does the copy of the metadata that comes now
		}
		if s.conn.o.opts.StreamWorkers {
			s.whoHandles()
		}
	}
	return s.Context.Value(key)
}

// serverWorker is the function that runs at the bottom of a stream worker's
// stack.
const serverWorker = "google.golang.org/grpc.(*Server).serverWorker"

// stackDepth is more than lies between handleStream's first look at the context
// and the bottom of its goroutine.
const stackDepth = 32

// whoHandles notes on whose goroutine handleStream runs: a stream worker's, or
// one of its own because all workers were busy. grpc-go tells nobody, so the
// stack is looked at; that takes a microsecond, and is done only on a server that
// has workers.
func (s *stream) whoHandles() {
	var pcs [stackDepth]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, serverWorker) {
			s.rec.Mark(record.MarkWorker)
			return
		}
		if !more {
			s.rec.Mark(record.MarkSpilled)
			return
		}
	}
}
