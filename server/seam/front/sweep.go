package front

import (
	"context"
	"time"

	"glasskv/trace/record"
)

// For nearly every request, all three events come, and complete its record. The sweeper is for
// the others: a status that was never written, a reply that the client grants no window for,
// a handler that does not notice that its client is gone.

const (
	sweepEvery = time.Second      // the time between two passes
	sweepAfter = 10 * time.Second // how long a request must be without progress to be swept
)

// sweep finishes records that stopped halfway. It returns when ctx ends.
func (f *Front) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	w := sweeper{front: f}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.pass(record.Now())
		}
	}
}

// sweeper remembers the state of the requests that were halfway on its last pass. It must be
// used by one goroutine.
type sweeper struct {
	front   *Front
	halfway map[*stream]progress
}

// progress is what must not change for a request to be swept.
type progress struct {
	since   int64 // the stamp of the first pass that found the request in this state
	events  record.Event
	written uint32 // frames of the reply that were written
}

// pass checks every unfinished request once.
func (w *sweeper) pass(now int64) {
	found := make(map[*stream]progress)
	w.front.conns.Range(func(key, _ any) bool {
		c := key.(*serverConn) //nolint:forcetypeassert // TagConn stores nothing else
		c.streams.each(func(s *stream) { w.check(s, now, found) })
		w.front.forget(c)
		return true
	})
	w.halfway = found
}

// check sweeps the request if it has been halfway, without progress, for sweepAfter. A request
// that has been halfway for less time is put into found.
func (w *sweeper) check(s *stream, now int64, found map[*stream]progress) {
	state := progress{now, s.rec.Events(), s.written.Load()}
	if !isHalfway(s, state.events) {
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
	w.front.rec.Lost().Swept.Add(1)
	for _, e := range []record.Event{record.EventHandled, record.EventWire, record.EventRead} {
		s.done(e)
	}
}

// isHalfway reports whether EventHandled or EventWire has come and another event is missing.
// A running handler alone is not halfway, however long it runs. Neither is a reply whose last
// frame is being written: that Write ends by itself, at the latest when the connection closes.
func isHalfway(s *stream, events record.Event) bool {
	over := events &^ record.EventRead
	return over != 0 && (over&record.EventWire != 0 || !s.ending.Load())
}
