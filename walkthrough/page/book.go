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

// book keeps the requests that can be shown: those from the start, those that the page
// has made, and those that a server was asked for. Its methods may be called by any number
// of goroutines at once.
type book struct {
	live    Live // may be nil
	shared  bool
	library *source.Library

	mu    sync.Mutex
	walks map[string]*walk
	order []string // the keys of walks, the newest last
}

// walk is a tour with its key in addresses.
type walk struct {
	*tour.Tour
	key    string
	charts sync.Map // lang.Lang → *timeline.Chart
}

// chart returns the waterfall. It is computed once for each language, because that may
// take half a second for the trace of another program.
func (w *walk) chart(l lang.Lang) *timeline.Chart {
	c, ok := w.charts.Load(l)
	if !ok {
		c, _ = w.charts.LoadOrStore(l, timeline.ChartOf(w.Timeline, l))
	}
	return c.(*timeline.Chart) //nolint:forcetypeassert // nothing else is stored
}

// mostKept limits how many requests are kept if a server makes more. Those of a file are
// in memory anyway.
const mostKept = 256

func newBook(o Options) *book {
	b := &book{live: o.Live, shared: o.Shared, library: o.Library, walks: make(map[string]*walk)}
	for _, t := range slices.Backward(o.Shown) {
		b.add(t)
	}
	return b
}

// add keeps a request that the page has made, or that is shown from the start.
func (b *book) add(t *trace.Timeline) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.keep(t)
}

// learn keeps a request that a server knows, unless it is kept already.
func (b *book) learn(t *trace.Timeline) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w := b.walks[t.TraceID]; w != nil {
		return w
	}
	return b.keep(t)
}

// keep adds a request and returns its walk. The key is the trace ID, with a number if a
// trace has several requests, or "n" if there is no trace ID. The caller must hold b.mu.
func (b *book) keep(t *trace.Timeline) *walk {
	key := cmp.Or(t.TraceID, "n")
	for n := 2; b.walks[key] != nil; n++ {
		key = cmp.Or(t.TraceID, "n") + "." + strconv.Itoa(n)
	}
	w := &walk{Tour: tour.New(t, b.library), key: key}
	b.walks[key], b.order = w, append(b.order, key)
	if b.live != nil && len(b.order) > mostKept {
		delete(b.walks, b.order[0])
		b.order = b.order[1:]
	}
	return w
}

// kept returns the request with this key, or nil if it is not kept.
func (b *book) kept(key string) *walk {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.walks[key]
}

// newest returns the key of the request that was added last, or "" if there is none.
func (b *book) newest() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.order) == 0 {
		return ""
	}
	return b.order[len(b.order)-1]
}

// find returns the request with this key. If it is not kept, find asks the server. Its
// error is a refusal.
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
	return b.learn(t), nil // another goroutine may have asked for it in the meantime
}

// all returns the requests to choose from, the newest first, but no more than most. If
// b.shared is set, it first asks the server for the requests of other clients. If the
// server does not answer, it returns the requests that the book already keeps.
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
		out = append(out, b.walks[key])
	}
	slices.SortStableFunc(out, func(x, y *walk) int { return y.Timeline.Start.Compare(x.Timeline.Start) })
	return out[:min(len(out), most)]
}
