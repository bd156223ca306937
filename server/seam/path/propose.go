package path

import (
	"context"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/raft/v3"
)

// raftRequest observes a request's whole way through raft, on the handler's
// goroutine.
func (o *Path) raftRequest(next etcdserver.RaftRequestFunc) etcdserver.RaftRequestFunc {
	return during(o, stages.RaftRequest, next)
}

// during observes a call that is one stage of the request whose record travels
// in the call's context.
func during[Q, R any](o *Path, stage stages.Stage, next func(context.Context, Q) (R, error)) func(context.Context, Q) (R, error) {
	return func(ctx context.Context, request Q) (R, error) {
		rec := record.FromContext(ctx)
		o.holds.Reach(ctx, rec, stage)
		rec.Begin(stage)
		reply, err := next(ctx, request)
		rec.End(stage)
		return reply, err
	}
}

// processOnce observes the proposal and the wait for its result. Its return is
// also the moment at which the handler's goroutine had woken from the wait.
func (o *Path) processOnce(next etcdserver.ProcessOnceFunc) etcdserver.ProcessOnceFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) (*etcdserver.Result, error) {
		rec := record.FromContext(ctx)
		o.holds.Reach(ctx, rec, stages.ProcessOnce)
		rec.Begin(stages.ProcessOnce)
		result, err := next(ctx, r)
		now := record.Now()
		rec.EndAt(stages.ProcessOnce, now)
		if triggered, _ := rec.Stamps(stages.WaitTrigger); triggered != 0 {
			rec.EndAt(stages.WaitTrigger, now)
		}
		return result, err
	}
}

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
	n.holds.Reach(ctx, rec, stages.RaftPropose)
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

// waiting observes the table in which requests wait for the result of their
// entry. Trigger runs on the apply goroutine; the handler wakes on its own.
type waiting struct {
	wait.Wait
	requests *requests
	holds    *hold.Holds
}

// Trigger hands a result over, which is the last thing that apply does with an
// entry. A handler that does not wait any longer calls it as well, without a
// result, to have its place in the table cleared; its entry may still be on its
// way, and what happens to it then is still noted.
func (w *waiting) Trigger(id uint64, x any) {
	if x == nil {
		w.Wait.Trigger(id, x)
		return
	}
	rec := w.requests.get(id)
	w.requests.drop(id)
	now := record.Now()
	if _, applied := rec.Stamps(stages.ApplyEntry); applied == 0 {
		rec.EndAt(stages.ApplyEntry, now)
	}
	if w.holds.ReachShared(rec, stages.WaitTrigger) {
		now = record.Now()
	}
	if _, left := rec.Stamps(stages.ProcessOnce); left == 0 {
		rec.BeginAt(stages.WaitTrigger, now)
	}
	w.Wait.Trigger(id, x)
}
