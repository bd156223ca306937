package seam

import (
	"context"
	"sync"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// gate is a place where a goroutine of the server can be stopped, without the seams. The
// zero value is open.
type gate struct {
	mu      sync.Mutex
	closed  chan struct{} // nil while the gate is open
	arrived chan struct{}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.arrived = make(chan struct{}), make(chan struct{}, 1024)
}

// open lets all that wait go on.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		close(g.closed)
		g.closed = nil
	}
}

// pass returns when the gate is open.
func (g *gate) pass() {
	g.mu.Lock()
	closed, arrived := g.closed, g.arrived
	g.mu.Unlock()
	if closed != nil {
		arrived <- struct{}{}
		<-closed
	}
}

// arrive waits until a goroutine waits at the gate.
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

// proposals knows the entries that clients have proposed.
//
// It lets a Ready wait for those who proposed what is in it. Else the raft loop
// would now and then be quicker than they are, and raft.waitReady be empty.
type proposals struct {
	mu   sync.Mutex
	made map[string]chan struct{} // by entry; closed when its Propose has returned
}

func (p *proposals) add(entry []byte) (returned chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.made == nil {
		p.made = make(map[string]chan struct{})
	}
	returned = make(chan struct{})
	p.made[string(entry)] = returned
	return returned
}

// find returns nil for an entry that no client has proposed.
func (p *proposals) find(e *raftpb.Entry) (returned chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.made[string(e.GetData())]
}

func (p *proposals) wait(entries []*raftpb.Entry) {
	for _, e := range entries {
		if returned := p.find(e); returned != nil {
			<-returned
		}
	}
}

// own counts the entries that clients have proposed.
func (p *proposals) own(entries []*raftpb.Entry) (n int) {
	for _, e := range entries {
		if p.find(e) != nil {
			n++
		}
	}
	return n
}

// orderedNode tells of each proposal that a client has made.
type orderedNode struct {
	raft.Node
	proposals *proposals
	tally     *tally
}

func (n *orderedNode) Propose(ctx context.Context, data []byte) error {
	if record.FromContext(ctx) == nil {
		return n.Node.Propose(ctx, data)
	}
	defer close(n.proposals.add(data))
	err := n.Node.Propose(ctx, data)
	if err == nil {
		n.tally.add("proposed", 1)
	}
	return err
}
