package path

import (
	"context"

	"glasskv/server/etcdserver"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
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
		o.holds.At(ctx, rec, stage)
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
		o.holds.At(ctx, rec, stages.ProcessOnce)
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
