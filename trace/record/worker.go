package record

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// worker is the recorder's other half: one goroutine that follows the ring and
// does with each finished record what must not happen on a request's way.
type worker struct {
	seen    atomic.Uint64 // the cursor: numbers up to this one are dealt with
	slowest slowest
	subs    subscribers
	waiting waiters
	out     *exportQueue // nil when nothing is exported

	closing chan struct{} // closed to ask the worker to finish
	closed  sync.Once
	done    chan struct{} // closed when it has
}

// rest is how long the worker leaves finished records alone after it dealt with
// some. Waking a goroutine costs a request more than all its stamps; under load
// one waking serves the records of this whole time.
const rest = 2 * time.Millisecond

func (w *worker) start(rc *Recorder) {
	w.slowest = newSlowest(rc.limit)
	w.closing, w.done = make(chan struct{}), make(chan struct{})
	if rc.opts.Outlet != nil {
		w.out = newExportQueue(rc)
		go w.out.run()
	}
	go rc.follow()
}

// Close deals with the records that are finished, exports what is sampled,
// shuts the exporter down and stops the worker. It gives up when ctx ends and
// returns its error; records that finish later are not looked at any more.
func (rc *Recorder) Close(ctx context.Context) error {
	rc.closed.Do(func() { close(rc.closing) })
	select {
	case <-rc.done:
	case <-ctx.Done():
		if rc.out != nil {
			rc.out.cancel()
		}
		return ctx.Err()
	}
	if rc.out == nil {
		return nil
	}
	return rc.out.close(ctx)
}

// follow is the worker's goroutine.
func (rc *Recorder) follow() {
	defer close(rc.done)
	pause := time.NewTimer(rest)
	for {
		n := rc.drain()
		if n > 0 {
			pause.Reset(rest)
			select {
			case <-pause.C:
				continue
			case <-rc.closing:
			}
		} else {
			select {
			case <-rc.wake:
				continue
			case <-rc.closing:
			}
		}
		rc.drain()
		return
	}
}

// drain deals with all records that stand in the ring beyond the cursor, and
// returns how many numbers it moved on.
func (rc *Recorder) drain() (moved int) {
	for at := rc.seen.Load(); at < rc.next.Load(); moved++ {
		if behind := rc.next.Load() - at; behind > uint64(len(rc.ring)) {
			rc.lost.Overwritten.Add(1)
		} else {
			r := rc.ring[at%uint64(len(rc.ring))].Load()
			switch {
			case r == nil || r.shelf.finished < at+1:
				return moved // its number is taken, it is on its way; its finish will wake us
			case r.shelf.finished > at+1:
				rc.lost.Overwritten.Add(1)
			default:
				rc.deal(r)
			}
		}
		at++
		rc.seen.Store(at)
	}
	return moved
}

// deal does all that is done with a finished record. The record is in the ring
// already, so whoever is told of it finds it there.
func (rc *Recorder) deal(r *Record) {
	rc.hist.count(r)
	if r.isPart() {
		return // it is dealt with as a part of the one that follows
	}
	rc.slowest.offer(r)
	for _, each := range rc.subs.all() {
		each.call(r)
	}
	rc.waiting.arrived(r)
	if rc.out != nil && rc.opts.sampled(r) {
		rc.out.offer(r)
	}
}

// Subscribe has f called with every finished record, in the order in which they
// finished, until cancel is called. It is called on the worker's goroutine: while
// it runs, nothing else is dealt with, and what the ring cannot hold meanwhile
// is lost and counted. A call may still be under way when cancel returns.
func (rc *Recorder) Subscribe(f func(*Record)) (cancel func()) {
	return rc.subs.add(f)
}

// subscribers is a list that is replaced, never changed, so that the worker
// reads it without a lock.
type subscribers struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*subscriber]
}

type subscriber struct{ call func(*Record) }

func (s *subscribers) all() []*subscriber {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (s *subscribers) add(f func(*Record)) (cancel func()) {
	one := &subscriber{call: f}
	s.change(func(list []*subscriber) []*subscriber { return append(list, one) })
	return func() {
		s.change(func(list []*subscriber) []*subscriber {
			return slices.DeleteFunc(list, func(x *subscriber) bool { return x == one })
		})
	}
}

func (s *subscribers) change(edit func([]*subscriber) []*subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := edit(slices.Clone(s.all()))
	s.list.Store(&list)
}
