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

// Last returns up to n records that finished last, the newest first. Records that are
// parts of others are not among them.
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

// Slowest returns up to n of the slowest unary requests since the recorder started, the
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

// WaitFor returns the record with that trace ID, as soon as it has finished. For a part of
// a record it returns the record that shows it. Of several records with one trace ID it
// returns the one that finished last. It returns trace.ErrTraceID if traceID is not a
// trace ID, and ctx's error if ctx ends first.
func (rc *Recorder) WaitFor(ctx context.Context, traceID string) (*Record, error) {
	id, err := trace.ParseTraceID(traceID)
	if err != nil {
		return nil, err
	}
	// First wait, then look into the ring: a record that finishes in between is found
	// twice rather than not at all.
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

// waiters are the calls of WaitFor that wait for a record.
type waiters struct {
	count atomic.Int32 // if zero, the worker does not take the lock
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

// deliver sends r to the waiters for it and for its parts.
func (w *waiters) deliver(r *Record) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deliverTo(r, r)
}

// deliverTo sends r to the waiters for part, which is r or a part of it, and for the parts
// of part.
func (w *waiters) deliverTo(part, r *Record) {
	for _, c := range w.byID[part.traceID] {
		select {
		case c <- r:
		default: // an earlier record with this trace ID is there
		}
	}
	parts, _ := part.parts()
	for _, p := range parts {
		w.deliverTo(p.rec, r)
	}
}

// slowest keeps the records that took longest, because under load the ring soon overwrites
// them. Streaming calls, which last as long as their client wants, are kept apart from
// unary requests, because they would displace them.
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

// offer keeps the record if it is among the slowest. Only the worker calls it.
func (s *slowest) offer(r *Record) {
	if r.Has(MarkConnection) {
		return // it is not a request, and it may have lasted until some time limit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.unary
	if r.Has(MarkStreaming) {
		h = &s.streams
	}
	h.offer(slow{r, r.Duration(), r.weight()})
}

// top returns up to n of the slowest, the slowest first.
func (s *slowest) top(n int, streams bool) []*Record {
	s.mu.Lock()
	h := &s.unary
	if streams {
		h = &s.streams
	}
	all := slices.Clone(h.items)
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b slow) int { return cmp.Compare(b.duration, a.duration) })
	out := make([]*Record, 0, min(max(n, 0), len(all)))
	for _, item := range all[:cap(out)] {
		out = append(out, item.r)
	}
	return out
}

// len returns how many records are kept, parts included.
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
		for _, item := range h.items {
			if !f(item.r) {
				return
			}
		}
	}
}

type slow struct {
	r        *Record
	duration time.Duration
	weight   int // see Record.weight
}

// slowHeap is a bounded heap. The quickest record is on top: it is the next to be dropped.
type slowHeap struct {
	items  []slow
	weight int // the sum of the items' weights
	cap    int // the most that weight may be
}

func (h *slowHeap) offer(s slow) {
	if s.weight > h.cap {
		return
	}
	for h.weight+s.weight > h.cap {
		if s.duration <= h.items[0].duration {
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

// Len, Less, Swap, Push and Pop implement heap.Interface.

func (h *slowHeap) Len() int           { return len(h.items) }
func (h *slowHeap) Less(i, j int) bool { return h.items[i].duration < h.items[j].duration }
func (h *slowHeap) Swap(i, j int)      { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *slowHeap) Push(x any)         { h.items = append(h.items, x.(slow)) }

// Pop removes the last item.
func (h *slowHeap) Pop() any {
	last := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return last
}
