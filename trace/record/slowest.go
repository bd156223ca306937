package record

import (
	"cmp"
	"container/heap"
	"slices"
	"sync"
	"time"
)

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
		out.r.drop()
	}
	s.r.hold()
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
