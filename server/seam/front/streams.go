package front

import (
	"context"
	"sync"
	"sync/atomic"

	"glasskv/trace/record"
)

// stream is one HTTP/2 stream that carries a request: its record, and what the
// wrappers around grpc-go must tell each other about it. It is also the context
// that the request travels in, see context.go.
type stream struct {
	context.Context // set by the tap; nil for a stream that was turned away before
	rec             *record.Record
	conn            *serverConn
	method          string // set by the tap, and never changed

	tapped   int64         // when the tap was through with it
	handed   atomic.Bool   // operateHeaders is through with it: a goroutine of its own will handle it
	entered  atomic.Bool   // that goroutine has begun
	hasPlace atomic.Bool   // it counts in its connection's quota, see fault_quota.go
	ending   atomic.Bool   // the reply's last frame is being written, or is written
	written  atomic.Uint32 // frames of the reply so far; the sweeper looks whether it moves
	window   atomic.Int64  // bytes that the client has allowed beyond the initial window, less those sent
	blocked  atomic.Int64  // when the reply was found to have no window left; 0 while it has

	request, reply carrier // see codec.go
}

// done reports one of the events that complete the request's record.
func (s *stream) done(e record.Event) {
	s.rec.Done(e)
	if e == record.EventHandled {
		s.givePlace()
	}
	if !s.rec.Finished() {
		return
	}
	s.conn.streams.remove(s)
	if s.conn.over.Load() {
		s.conn.o.forget(s.conn)
	}
}

// gone reports whether nothing more of the reply will be written.
func (s *stream) gone() bool { return s.rec.Events()&record.EventWire != 0 }

// streams finds the stream of a frame. Whoever reads the connection, whoever
// writes to it and every handler come here for every request, so there is no
// lock: stream IDs count up, and each has a slot of its own as long as not more
// than streamSlots requests are under way. Those beyond go to the spill.
type streams struct {
	slots   [streamSlots]atomic.Pointer[stream]
	spill   sync.Map     // stream ID → *stream
	spilled atomic.Int32 // entries of spill; so that an empty one costs nothing
}

// streamSlots is a power of two.
const streamSlots = 64

// slot returns the place of a stream ID. A client's IDs are odd.
func (t *streams) slot(id uint32) *atomic.Pointer[stream] {
	return &t.slots[id>>1&(streamSlots-1)]
}

// add is called by the goroutine that reads the connection.
func (t *streams) add(s *stream) {
	id := s.rec.StreamID()
	if !t.slot(id).CompareAndSwap(nil, s) {
		t.spilled.Add(1)
		t.spill.Store(id, s)
	}
}

// find returns the stream with this ID, or nil: none, or its record is finished.
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

// all calls visit for every stream whose record is not finished, and returns
// how many there are. Streams that come or go meanwhile may be missed.
func (t *streams) all(visit func(*stream)) (n int) {
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

// queue makes the request wait while its connection has no place for it, which is so
// only with the fault full-quota. It returns the stamp at which the request goes on.
func (s *stream) queue(now int64) int64 {
	hasPlace, now := s.conn.o.faults.Queue(s.Context, s.rec, &s.conn.quota, now)
	if !hasPlace {
		return now
	}
	s.hasPlace.Store(true)
	if s.rec.Events()&record.EventHandled != 0 {
		s.givePlace() // it was given up while it waited, and nobody else will
	}
	return now
}

// givePlace is called when a request has been handled. It may be called more than
// once.
func (s *stream) givePlace() {
	if s.hasPlace.Load() && s.hasPlace.CompareAndSwap(true, false) {
		s.conn.quota.Give()
	}
}

// ContextOf finds the context of a request of which only the record is at hand;
// it ends when the client gives up. Where a request has none of its own, as one
// that came over HTTP/1, nothing but the hold's timeout ends the hold.
func (o *Front) ContextOf(rec *record.Record) context.Context {
	for _, r := range [...]*record.Record{rec, rec.Outermost()} {
		ctx := context.Context(nil)
		o.conns.Range(func(key, _ any) bool {
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
