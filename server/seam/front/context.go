package front

import (
	"context"

	"glasskv/server/seam/fault"
	"glasskv/server/serve"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

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
