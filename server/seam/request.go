package seam

import (
	"context"

	"glasskv/server/etcdserver"
	"glasskv/trace"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"
)

// raftRequest observes a request's whole way through raft, on the handler's
// goroutine.
func raftRequest(next etcdserver.RaftRequestFunc) etcdserver.RaftRequestFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) (proto.Message, error) {
		rec := trace.FromContext(ctx)
		rec.Begin(trace.RaftRequest)
		resp, err := next(ctx, r)
		rec.End(trace.RaftRequest)
		return resp, err
	}
}

// processOnce observes the proposal and the wait for its result. Its return is
// also the moment at which the handler's goroutine had woken from the wait.
func processOnce(next etcdserver.ProcessOnceFunc) etcdserver.ProcessOnceFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) (*etcdserver.Result, error) {
		rec := trace.FromContext(ctx)
		rec.Begin(trace.ProcessOnce)
		result, err := next(ctx, r)
		now := trace.Now()
		rec.EndAt(trace.ProcessOnce, now)
		if triggered, _ := rec.Stamps(trace.WaitTrigger); triggered != 0 {
			rec.EndAt(trace.WaitTrigger, now)
		}
		return result, err
	}
}
