package front

import (
	"context"
	"sync"
	"sync/atomic"

	"glasskv/trace/record"
)

// stream is one HTTP/2 stream that carries a request: its record, and the state that the
// wrappers around grpc-go share. It is also the request's context, see context.go.
type stream struct {
	context.Context // set by the tap; nil if the stream was turned away before the tap
	rec             *record.Record
	conn            *serverConn
	method          string // full name, set by the tap

	tapped  int64         // when the tap returned
	handed  atomic.Bool   // operateHeaders accepted it: it will run on a goroutine of its own
	entered atomic.Bool   // that goroutine is in handleStream
	inQuota atomic.Bool   // it occupies a place in its connection's quota, see awaitQuota
	ending  atomic.Bool   // the reply's last frame is being written, or is written
	written atomic.Uint32 // frames of the reply so far; the sweeper compares it with its last pass
	window  atomic.Int64  // bytes allowed by the client beyond the initial window, minus those sent
	blocked atomic.Int64  // when the reply ran out of window; 0 while it has some

	request, reply carrier // here to save an allocation each, see desc.go
}

// done reports one of the three events that complete the request's record, see the package's
// documentation. The event that comes last finishes the record and removes the stream from
// its connection.
func (s *stream) done(e record.Event) {
	s.rec.Done(e)
	if e == record.EventHandled {
		s.releaseQuota()
	}
	if !s.rec.Finished() {
		return
	}
	s.conn.streams.remove(s)
	if s.conn.closed.Load() {
		s.conn.front.forget(s.conn)
	}
}

// replyEnded reports whether nothing more of the reply will be written.
func (s *stream) replyEnded() bool { return s.rec.Events()&record.EventWire != 0 }

// streams is the table of a connection's unfinished requests, by stream ID. The reader, the
// writer and every handler use it for every request, so it has no lock: IDs ascend, and each
// has a slot of its own as long as no more than streamSlots requests are under way. Requests
// beyond that are in the spill.
type streams struct {
	slots   [streamSlots]atomic.Pointer[stream]
	spill   sync.Map     // stream ID → *stream
	spilled atomic.Int32 // entries of spill; while it is 0, the spill is not searched
}

// streamSlots is the number of slots. It must be a power of two.
const streamSlots = 64

var _ = [1]struct{}{}[streamSlots&(streamSlots-1)] // does not compile unless it is a power of two

// slot returns the slot of a stream ID. A client's IDs are odd, so the lowest bit is dropped.
func (t *streams) slot(id uint32) *atomic.Pointer[stream] {
	return &t.slots[id>>1&(streamSlots-1)]
}

// add must be called by the goroutine that reads the connection.
func (t *streams) add(s *stream) {
	id := s.rec.StreamID()
	if !t.slot(id).CompareAndSwap(nil, s) {
		t.spilled.Add(1)
		t.spill.Store(id, s)
	}
}

// find returns the stream with this ID. It returns nil if the request is not recorded or its
// record is finished.
func (t *streams) find(id uint32) *stream {
	if s := t.slot(id).Load(); s != nil && s.rec.StreamID() == id {
		return s
	}
	if t.spilled.Load() == 0 {
		return nil
	}
	if s, ok := t.spill.Load(id); ok {
		return s.(*stream) //nolint:forcetypeassert // add stores nothing else
	}
	return nil
}

// remove may be called more than once for the same stream.
func (t *streams) remove(s *stream) {
	id := s.rec.StreamID()
	if t.slot(id).CompareAndSwap(s, nil) || t.spilled.Load() == 0 {
		return
	}
	if t.spill.CompareAndDelete(id, s) {
		t.spilled.Add(-1)
	}
}

// each calls visit for every stream whose record is not finished, and returns their number.
// It may miss streams that are added or removed while it runs.
func (t *streams) each(visit func(*stream)) (n int) {
	for i := range t.slots {
		if s := t.slots[i].Load(); s != nil {
			n++
			visit(s)
		}
	}
	t.spill.Range(func(_, value any) bool {
		n++
		visit(value.(*stream)) //nolint:forcetypeassert // add stores nothing else
		return true
	})
	return n
}

// awaitQuota makes the request wait for a place in its connection's quota, which is limited
// only by the fault full-quota. It returns the stamp at which the request goes on.
func (s *stream) awaitQuota(now int64) int64 {
	hasPlace, now := s.conn.front.faults.AwaitPlace(s.Context, s.rec, &s.conn.quota, now)
	if !hasPlace {
		return now
	}
	s.inQuota.Store(true)
	if s.rec.Events()&record.EventHandled != 0 {
		s.releaseQuota() // EventHandled came during the wait, before the place could be released
	}
	return now
}

// releaseQuota gives the place in the quota back. It may be called more than once.
func (s *stream) releaseQuota() {
	if s.inQuota.Load() && s.inQuota.CompareAndSwap(true, false) {
		s.conn.quota.Release()
	}
}

// ContextOf returns the context of a request, or that of the request that it is a part of. It
// ends when the client gives up. For a request without a context of its own, such as one over
// HTTP/1, it returns context.Background().
func (f *Front) ContextOf(rec *record.Record) context.Context {
	for _, r := range [...]*record.Record{rec, rec.Outermost()} {
		ctx := context.Context(nil)
		f.conns.Range(func(key, _ any) bool {
			c := key.(*serverConn) //nolint:forcetypeassert // TagConn stores nothing else
			if c.trace != r.Conn() {
				return true
			}
			if s := c.streams.find(r.StreamID()); s != nil && s.rec == r {
				ctx = s.Context
			}
			return ctx == nil
		})
		if ctx != nil {
			return ctx
		}
	}
	return context.Background()
}
