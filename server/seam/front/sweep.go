package front

import (
	"context"
	"time"

	"glasskv/trace/record"
)

// A record is complete when three things have happened, and for nearly every
// request all three do. The sweeper is for the rest: a status that was never
// written, a reply that the client has no window for, a handler that does not
// notice that its client is gone.

const (
	sweepEvery = time.Second
	sweepAfter = 10 * time.Second
)

// sweep closes records that stopped halfway. It returns when ctx ends.
func (o *Front) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	w := sweeper{o: o}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.pass(record.Now())
		}
	}
}

// sweeper remembers which requests stood halfway on its last pass, and since
// when. It is used by one goroutine.
type sweeper struct {
	o       *Front
	halfway map[*stream]standstill
}

// standstill is a request's state that has not changed since a moment.
type standstill struct {
	since   int64
	events  record.Event
	written uint32
}

// pass looks at every unfinished request once.
func (w *sweeper) pass(now int64) {
	found := make(map[*stream]standstill)
	w.o.conns.Range(func(key, _ any) bool {
		c := key.(*serverConn) //nolint:forcetypeassert // TagConn stores nothing else
		c.streams.all(func(s *stream) { w.look(s, now, found) })
		w.o.forget(c)
		return true
	})
	w.halfway = found
}

func (w *sweeper) look(s *stream, now int64, found map[*stream]standstill) {
	state := standstill{now, s.rec.Events(), s.written.Load()}
	if !halfway(s, state.events) {
		return
	}
	if before, ok := w.halfway[s]; ok && before.events == state.events && before.written == state.written {
		state.since = before.since
	}
	if now-state.since < int64(sweepAfter) {
		found[s] = state
		return
	}
	s.rec.Mark(record.MarkSwept)
	w.o.rec.Lost().Swept.Add(1)
	for _, e := range []record.Event{record.EventHandled, record.EventWire, record.EventRead} {
		s.done(e)
	}
}

// halfway reports whether a request is past its handler or its client, but not
// both. A call that is being handled, however long, is neither; a reply that is
// being written will be out, or its connection closed, without help.
func halfway(s *stream, events record.Event) bool {
	over := events &^ record.EventRead
	return over != 0 && (over&record.EventWire != 0 || !s.ending.Load())
}
