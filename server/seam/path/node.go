package path

import (
	"context"

	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
)

// node observes raft.Node: the hand-over of a proposal to raft's goroutine.
type node struct {
	raft.Node
	requests *requests
	holds    *hold.Holds
}

// Propose joins the request's record, which travels in ctx until here, with the
// request ID, which travels in the entry from here on.
func (n *node) Propose(ctx context.Context, data []byte) error {
	rec := record.FromContext(ctx)
	if rec == nil {
		return n.Node.Propose(ctx, data)
	}
	id := requestID(data)
	if id != 0 {
		n.requests.put(id, rec)
	}
	n.holds.At(ctx, rec, stages.RaftPropose)
	rec.Begin(stages.RaftPropose)
	err := n.Node.Propose(ctx, data)
	now := record.Now()
	rec.EndAt(stages.RaftPropose, now)
	if err != nil {
		n.requests.drop(id) // it will not come back
		return err
	}
	rec.BeginAt(stages.RaftWaitReady, now)
	return nil
}
