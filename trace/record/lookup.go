package record

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/trace"
)

// Last returns the n records that finished last, the last one first. Those that
// are part of another one are not among them.
func (rc *Recorder) Last(n int) []*Record {
	n = min(max(n, 0), len(rc.ring))
	out := make([]*Record, 0, n)
	end := rc.next.Load()
	for at := end; at > 0 && end-at < uint64(len(rc.ring)) && len(out) < n; at-- {
		r := rc.ring[(at-1)%uint64(len(rc.ring))].Load()
		if r != nil && r.kept.number == at && !r.isPart() {
			out = append(out, r)
		}
	}
	return out
}

// Slowest returns the n slowest unary requests since the recorder began, the
// slowest first.
func (rc *Recorder) Slowest(n int) []*Record { return rc.slowest.top(n, false) }

// find returns the record with that trace ID that finished last; for a part, the
// outermost record that shows it. It returns nil if no such record is kept.
func (rc *Recorder) find(id trace.ID) (found *Record) {
	newer := func(r *Record) bool {
		if r != nil && r.hasTraceID(id) && (found == nil || r.kept.number > found.kept.number) {
			found = r
		}
		return true
	}
	for i := range rc.ring {
		newer(rc.ring[i].Load())
	}
	if found == nil {
		rc.slowest.each(newer)
	}
	if found == nil {
		return nil
	}
	return found.outermost()
}

// WaitFor returns the record of that trace ID, waiting for it to finish. It
// returns ErrTraceID for a text that is none, and ctx's error when ctx ends.
func (rc *Recorder) WaitFor(ctx context.Context, traceID string) (*Record, error) {
	id, err := trace.ParseTraceID(traceID)
	if err != nil {
		return nil, err
	}
	// First in the queue, then a look at the ring: what finishes in between is
	// seen twice rather than not at all.
	arrival := make(chan *Record, 1)
	defer rc.waiting.add(id, arrival)()
	if r := rc.find(id); r != nil {
		return r, nil
	}
	select {
	case r := <-arrival:
		return r, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for request %s: %w", traceID, ctx.Err())
	}
}

// waiters are those who wait for a request to finish.
type waiters struct {
	count atomic.Int32 // so that the worker need not take the lock for nobody
	mu    sync.Mutex
	byID  map[trace.ID][]chan *Record
}

func (w *waiters) add(id trace.ID, c chan *Record) (remove func()) {
	w.count.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = make(map[trace.ID][]chan *Record)
	}
	w.byID[id] = append(w.byID[id], c)
	return func() {
		defer w.count.Add(-1)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.byID[id] = slices.DeleteFunc(w.byID[id], func(x chan *Record) bool { return x == c })
		if len(w.byID[id]) == 0 {
			delete(w.byID, id)
		}
	}
}

func (w *waiters) deliver(r *Record) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliverTo(r, r)
}

// deliverTo hands r to those who wait for it, and to those who wait for one of the
// requests that it is made of.
func (w *waiters) deliverTo(of, r *Record) {
	for _, c := range w.byID[of.traceID] {
		select {
		case c <- r:
		default: // has one already
		}
	}
	parts, _ := of.parts()
	for _, part := range parts {
		w.deliverTo(part.rec, r)
	}
}

// slowest keeps the records that took longest, so that load cannot wash them
// out of the ring. Streaming calls have a place of their own: they last as long
// as their client wants and would fill it otherwise.
type slowest struct {
	mu             sync.Mutex
	unary, streams slowHeap
}

func newSlowest(limit budget) slowest {
	return slowest{
		unary:   slowHeap{cap: limit.slowest},
		streams: slowHeap{cap: limit.slowStreams},
	}
}

// offer keeps the record if it belongs to the slowest requests. Only the worker
// calls it.
func (s *slowest) offer(r *Record) {
	if r.Has(MarkConnection) {
		return // as slow as its time limit, and no request
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.unary
	if r.Has(MarkStreaming) {
		h = &s.streams
	}
	h.offer(slow{r, r.Duration(), r.weight()})
}

// top returns the n slowest, the slowest first.
func (s *slowest) top(n int, streams bool) []*Record {
	s.mu.Lock()
	h := &s.unary
	if streams {
		h = &s.streams
	}
	all := slices.Clone(h.items)
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b slow) int { return cmp.Compare(b.took, a.took) })
	out := make([]*Record, 0, min(max(n, 0), len(all)))
	for _, one := range all[:cap(out)] {
		out = append(out, one.r)
	}
	return out
}

func (s *slowest) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unary.weight + s.streams.weight
}

// each calls f with every record until it returns false.
func (s *slowest) each(f func(*Record) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range []*slowHeap{&s.unary, &s.streams} {
		for _, one := range h.items {
			if !f(one.r) {
				return
			}
		}
	}
}

type slow struct {
	r      *Record
	took   time.Duration
	weight int // records that r keeps in memory, itself included
}

// slowHeap is a bounded heap with the quickest on top: the next to go.
type slowHeap struct {
	items  []slow
	weight int
	cap    int // of the weight
}

func (h *slowHeap) offer(s slow) {
	if s.weight > h.cap {
		return // the ring has it
	}
	for h.weight+s.weight > h.cap {
		if s.took <= h.items[0].took {
			return
		}
		out := heap.Pop(h).(slow) //nolint:forcetypeassert // Push is given nothing else
		h.weight -= out.weight
		out.r.release()
	}
	s.r.retain()
	h.weight += s.weight
	heap.Push(h, s)
}

// The methods that container/heap asks for.

func (h *slowHeap) Len() int           { return len(h.items) }
func (h *slowHeap) Less(i, j int) bool { return h.items[i].took < h.items[j].took }
func (h *slowHeap) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *slowHeap) Push(x any)         { h.items = append(h.items, x.(slow)) }

// Pop takes the last item off.
func (h *slowHeap) Pop() any {
	last := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return last
}
