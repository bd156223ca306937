package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timeline"
	"glasskv/walkthrough/walk/tour"
)

// book holds the requests that can be looked at: those that were there from the
// start, those that were made here, and on demand those that a server knows.
type book struct {
	live    Live // or nil
	shared  bool
	library *source.Library

	mu    sync.Mutex
	pages map[string]*walk
	order []string // the keys of the pages, the newest last
}

// walk is a tour with the key that it has in addresses.
type walk struct {
	*tour.Tour
	key    string
	charts sync.Map // lang.Lang → *timeline.Chart
}

// chart lays the request out, once for each language: of a foreign trace it may take
// half a second.
func (w *walk) chart(l lang.Lang) *timeline.Chart {
	c, ok := w.charts.Load(l)
	if !ok {
		c, _ = w.charts.LoadOrStore(l, timeline.ChartOf(w.Timeline, l))
	}
	return c.(*timeline.Chart) //nolint:forcetypeassert // nothing else is stored
}

// mostKept bounds how many requests of a live server are kept. Those of a file are
// in memory anyway.
const mostKept = 256

func newBook(o Options) *book {
	b := &book{live: o.Live, shared: o.Shared, library: o.Library, pages: make(map[string]*walk)}
	for _, t := range slices.Backward(o.Shown) {
		b.add(t)
	}
	return b
}

// add keeps a request that was made here, or was there from the start.
func (b *book) add(t *trace.Timeline) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keep(t)
}

// learn keeps a request that a server told of, unless it is kept already.
func (b *book) learn(t *trace.Timeline) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.pages[t.TraceID]; w != nil {
		return w
	}
	return b.keep(t)
}

// keep returns a request's walk. A trace may hold several requests, and a file may
// have lost an ID: each gets a key of its own. The caller holds the lock.
func (b *book) keep(t *trace.Timeline) *walk {
	key := cmp.Or(t.TraceID, "n")
	for n := 2; b.pages[key] != nil; n++ {
		key = cmp.Or(t.TraceID, "n") + "." + strconv.Itoa(n)
	}
	w := &walk{Tour: tour.New(t, b.library), key: key}
	b.pages[key], b.order = w, append(b.order, key)
	if b.live != nil && len(b.order) > mostKept {
		delete(b.pages, b.order[0])
		b.order = b.order[1:]
	}
	return w
}

func (b *book) kept(key string) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.pages[key]
}

// newest is the key of the request that was added last; "" when there is none.
func (b *book) newest() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 {
		return ""
	}
	return b.order[len(b.order)-1]
}

// find returns a request by its key. One that is not kept may be known to the
// server.
func (b *book) find(ctx context.Context, key string, l lang.Lang) (*walk, error) {
	if w := b.kept(key); w != nil {
		return w, nil
	}
	if b.live == nil || key == "" {
		return nil, &refusal{http.StatusNotFound, l.Pick("There is no such request here.", "这里没有这个请求。")}
	}
	t, err := b.live.Get(ctx, key)
	switch {
	case errors.Is(err, endpoint.ErrUnknown):
		return nil, &refusal{http.StatusNotFound, l.Pick(
			"The server does not know this request, or not any more: it keeps its last and its slowest ones.",
			"服务端不认识这个请求，或者已经忘了它：它只保留最近的和最慢的。")}
	case err != nil:
		return nil, &refusal{http.StatusBadGateway, screen.Escape(err.Error())}
	}
	return b.learn(t), nil // or somebody else has asked for it meanwhile
}

// all returns the requests to choose from, the newest first. What a server knows
// besides is asked for where others use it too; that it does not answer is told by
// the next page that needs it.
func (b *book) all(ctx context.Context, most int) []*walk {
	if b.live != nil && b.shared {
		if last, err := b.live.Last(ctx, most); err == nil {
			for _, t := range slices.Backward(last) {
				b.learn(t)
			}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*walk
	for _, key := range slices.Backward(b.order) {
		out = append(out, b.pages[key])
	}
	slices.SortStableFunc(out, func(x, y *walk) int { return y.Timeline.Start.Compare(x.Timeline.Start) })
	return out[:min(len(out), most)]
}
