package seam

import (
	"context"
	"sync"

	"glasskv/trace/record"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

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
