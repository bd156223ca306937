package seam

import (
	"sync"
	"testing"

	"glasskv/server/seam/seamtest"
)

// gate is a place where the server can be held. The zero value is open.
type gate struct {
	mu      sync.Mutex
	closed  chan struct{} // nil while the gate is open
	arrived chan struct{}
}

// hold closes the gate.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.arrived = make(chan struct{}), make(chan struct{}, 1024)
}

// release opens it and lets everybody go on.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

// pass goes through the gate, or waits before it.
func (g *gate) pass() {
	g.mu.Lock()
	closed, arrived := g.closed, g.arrived
	g.mu.Unlock()
	if closed != nil {
		arrived <- struct{}{}
		<-closed
	}
}

// arrive waits until somebody stands before the gate.
func (g *gate) arrive(t testing.TB) {
	t.Helper()
	g.mu.Lock()
	arrived := g.arrived
	g.mu.Unlock()
	seamtest.Await(t, "arrival at the gate", arrived)
}

// tally counts what has happened and lets a story wait for it.
type tally struct {
	mu      sync.Mutex
	counts  map[string]int
	changed chan struct{} // closed and replaced with each change
}

func (t *tally) add(what string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[string]int)
	}
	t.counts[what] += n
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
}

func (t *tally) get(what string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts[what]
}

// await waits until something has happened n times.
func (t *tally) await(tb testing.TB, what string, n int) {
	tb.Helper()
	t.until(tb, what, func(counts map[string]int) bool { return counts[what] >= n })
}

// until waits until the counts are as wanted.
func (t *tally) until(tb testing.TB, what string, ok func(map[string]int) bool) {
	tb.Helper()
	for {
		t.mu.Lock()
		reached := ok(t.counts)
		if t.changed == nil {
			t.changed = make(chan struct{})
		}
		changed := t.changed
		t.mu.Unlock()
		if reached {
			return
		}
		seamtest.Await(tb, what, changed)
	}
}
