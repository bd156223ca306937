package seam

import (
	"context"

	"glasskv/trace"

	"go.etcd.io/raft/v3"
)

// node observes raft.Node: the hand-over of a proposal to raft's goroutine.
type node struct {
	raft.Node
	requests *requests
	holds    *holds
}

// Propose joins the request's record, which travels in ctx until here, with the
// request ID, which travels in the entry from here on.
func (n *node) Propose(ctx context.Context, data []byte) error {
	rec := trace.FromContext(ctx)
	if rec == nil {
		return n.Node.Propose(ctx, data)
	}
	id := requestID(data)
	if id != 0 {
		n.requests.put(id, rec)
	}
	n.holds.at(ctx, rec, trace.RaftPropose)
	rec.Begin(trace.RaftPropose)
	err := n.Node.Propose(ctx, data)
	now := trace.Now()
	rec.EndAt(trace.RaftPropose, now)
	if err != nil {
		n.requests.drop(id) // it will not come back
		return err
	}
	rec.BeginAt(trace.RaftWaitReady, now)
	return nil
}
