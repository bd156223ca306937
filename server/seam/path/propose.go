package path

import (
	"context"
	"time"

	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/raft/v3"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// raftRequest observes a request's whole path through raft, on the handler's goroutine.
func (p *Path) raftRequest(next etcdserver.RaftRequestFunc) etcdserver.RaftRequestFunc {
	return observe(p, stages.RaftRequest, next)
}

// processOnce observes the proposal and the wait for its result, on the handler's
// goroutine. If the result has come, this goroutine has woken by the time at which next
// returns, so wait.trigger ends there as well.
func (p *Path) processOnce(next etcdserver.ProcessOnceFunc) etcdserver.ProcessOnceFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) (*etcdserver.Result, error) {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stages.ProcessOnce)
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

// holdReqTimeout is the server's time limit on a request while requests may be held.
const holdReqTimeout = time.Hour

// reqTimeout replaces the server's own time limit on a request while requests may be held:
// the limit would end the hold of a write after seven seconds. It leaves the client's
// deadline as it is.
func (p *Path) reqTimeout(next etcdserver.ReqTimeoutFunc) etcdserver.ReqTimeoutFunc {
	return func() time.Duration {
		if p.holds.Active() {
			return holdReqTimeout
		}
		return next()
	}
}

// node observes raft.Node: how a proposal is handed to raft's goroutine.
type node struct {
	raft.Node
	requests *requests
	holds    *hold.Holds
}

// Propose puts the request's record into the table of requests. Up to here ctx carries the
// record; from here on only the request ID in the entry leads to it.
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
		n.requests.drop(id) // raft did not take the entry
		return err
	}
	rec.BeginAt(stages.RaftWaitReady, now)
	return nil
}

// waitTable observes the table in which requests wait for the result of their entry.
type waitTable struct {
	wait.Wait
	requests *requests
	holds    *hold.Holds
}

// Trigger hands a result to the handler that waits for it. The apply goroutine calls it as
// the last step of an entry, so apply.entry ends here.
//
// A handler that has stopped waiting also calls it, with a nil result, to remove itself
// from the table. Its entry may still come, and is still stamped then: so its record stays
// in the table of requests.
func (w *waitTable) Trigger(id uint64, result any) {
	if result == nil {
		w.Wait.Trigger(id, result)
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
	if _, left := rec.Stamps(stages.ProcessOnce); left == 0 { // the handler still waits
		rec.BeginAt(stages.WaitTrigger, now)
	}
	w.Wait.Trigger(id, result)
}
