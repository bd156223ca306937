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

// A stream is the context that its request travels in, from the tap to the handler and
// below. So no other context has to carry the record, and two calls that grpc-go makes on
// the context of every request tell where the request is:
//
//	grpc-go                                      seam     stamped
//
//	the goroutine that reads the connection
//	  operateHeaders
//	    calls the tap ─────────────────────────► tap      OperateHeaders ends; the context is the stream
//	    turns the stream away, or
//	    asks the context for Done ─────────────► Done     StartHandler begins, at the stamp of the tap
//	    hands it to a goroutine, or to a stream worker
//
//	the request's goroutine
//	  handleStream
//	    asks the context for the metadata ─────► Value    StartHandler ends, HandleStream begins
//	    processRPC
//	      the interceptors, the handler ───────► Value    nothing: the key is the stream's or the record's
//
// Four facts about grpc-go make this work; the tests of this file hold them:
//
//   - A stream that operateHeaders turns away after the tap is never asked for Done.
//   - Done is called before the stream is handed to a goroutine.
//   - Nothing asks for a value of the context before handleStream does.
//   - handleStream asks for the metadata first, if the method's name is well-formed.

// tap is called by operateHeaders, near its end, for every stream that it has
// accepted so far. It runs on the goroutine that reads the connection, so the stream
// whose headers were read last is the one that it is called for. It also runs under the
// transport's lock, so it must not wait for anything.
func (f *Front) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	s := latestStream(ctx)
	if s != nil {
		s.rec.Mark(record.MarkTapped)
		s.method = info.FullMethodName
		s.rec.Facts().Method = s.method
		if parent := info.Header[client.HeaderTraceParent]; len(parent) == 1 {
			s.rec.Adopt(parent[0])
			f.gatewayCalls.join(parent[0], s.rec)
		}
	}
	if f.opts.Tap != nil {
		var err error
		if ctx, err = f.opts.Tap(ctx, info); err != nil {
			s.noteTapError(err)
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

// latestStream returns the stream whose headers were read last on the connection of
// ctx, or nil if it is not recorded.
func latestStream(ctx context.Context) *stream {
	if c := connFrom(ctx); c != nil {
		return c.in.latest
	}
	return nil
}

// noteTapError notes the code and the message that grpc-go answers with if a tap returns
// err. A nil s is left alone.
func (s *stream) noteTapError(err error) {
	if s == nil {
		return
	}
	st, ok := status.FromError(err)
	if !ok {
		st = status.New(codes.PermissionDenied, err.Error())
	}
	s.rec.SetCode(uint32(st.Code()), st.Message())
}

// streamKey is the key whose value is the stream itself.
type streamKey struct{}

// recordKey is the key of record.FromContext.
var recordKey = record.ContextKey()

// streamFrom returns the stream that ctx descends from, or nil for a request that is
// not recorded.
func streamFrom(ctx context.Context) *stream {
	s, _ := ctx.Value(streamKey{}).(*stream)
	return s
}

// Done implements context.Context. The first call comes from operateHeaders, and begins
// StartHandler.
func (s *stream) Done() <-chan struct{} {
	if !s.handed.Load() {
		s.rec.BeginAt(stages.StartHandler, s.tapped)
		s.handed.Store(true)
	}
	return s.Context.Done()
}

// Value implements context.Context. The first call for a key that is not the seam's own
// comes from handleStream.
func (s *stream) Value(key any) any {
	switch key {
	case streamKey{}:
		return s
	case recordKey:
		return s.rec
	}
	if !s.entered.Load() && s.entered.CompareAndSwap(false, true) {
		s.enterHandleStream(record.Now())
	}
	return s.Context.Value(key)
}

// enterHandleStream is all that the seam does where handleStream begins, on the request's
// goroutine: it stamps the edge, has the request wait if the fault full-quota is on, grows
// the stack and notes the worker.
func (s *stream) enterHandleStream(now int64) {
	f := s.conn.front
	s.rec.EndAt(stages.StartHandler, now)
	if f.faults.IsOn(fault.FullQuota) {
		now = s.awaitQuota(now)
	}
	s.rec.BeginAt(stages.HandleStream, now)
	if streaming := f.methods[s.method]; !streaming {
		serve.GrowStack(0) // before the metadata is copied, which needs a part of it already
	}
	if f.opts.StreamWorkers {
		s.noteWorker()
	}
}

// serverWorker is the bottom function on the stack of a stream worker.
const serverWorker = "google.golang.org/grpc.(*Server).serverWorker"

// stackDepth is more than the number of frames between noteWorker and the bottom of
// the stack.
const stackDepth = 32

// noteWorker marks whether handleStream runs on a stream worker, or on a goroutine of the
// request's own because all workers were busy. grpc-go does not report it, so the stack is
// searched. That takes about a microsecond, and is done only on a server with workers.
func (s *stream) noteWorker() {
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
