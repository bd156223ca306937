package etcdserver

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"google.golang.org/protobuf/proto"
)

// sharedWriteBuffer lets a writing transaction read the backend's buffer in
// place instead of a copy; it is on in etcd as well.
const sharedWriteBuffer = true

// dispatch executes one request on the store. It must do the same on every
// member: nothing in it may depend on the clock, on chance or on this member's
// configuration, except for the quota, which every member should have alike.
func (s *EtcdServer) dispatch(ctx context.Context, r *pb.InternalRaftRequest) *Result {
	if err := s.checkAlarms(r); err != nil {
		return &Result{Err: err}
	}
	switch {
	case r.Put != nil:
		return s.applyPut(ctx, r.Put)
	case r.DeleteRange != nil:
		resp, _, err := txn.DeleteRange(ctx, s.lg, s.kv, r.DeleteRange)
		return newResult(resp, err)
	case r.Txn != nil:
		return s.applyTxn(ctx, r)
	case r.Compaction != nil:
		return s.applyCompaction(ctx, r.Compaction)
	case r.Alarm != nil:
		return &Result{Resp: s.applyAlarm(r.Alarm)}
	case r.LeaseGrant != nil, r.LeaseRevoke != nil, r.LeaseCheckpoint != nil:
		return s.dispatchLease(r)
	case r.ClusterVersionSet != nil, r.ClusterMemberAttrSet != nil, r.DowngradeInfoSet != nil:
		return s.dispatchCluster(r)
	case withoutEffect(r):
		return &Result{Err: errors.ErrUnknownMethod}
	}
	if result := s.dispatchAuth(r); result != nil {
		return result
	}
	return &Result{Err: errUnsupportedEntry}
}

// newResult keeps a nil reply of a concrete type from becoming a non-nil
// interface.
func newResult[T any, P interface {
	*T
	proto.Message
}](resp P, err error) *Result {
	if err != nil {
		return &Result{Err: err}
	}
	return &Result{Resp: resp}
}

func (s *EtcdServer) applyPut(ctx context.Context, r *pb.PutRequest) *Result {
	fits := s.quota.Available(r)
	resp, _, err := txn.Put(ctx, s.lg, s.lessor, s.kv, r)
	return overQuota(newResult(resp, err), fits)
}

func (s *EtcdServer) applyTxn(ctx context.Context, r *pb.InternalRaftRequest) *Result {
	fits := s.quota.Available(r.Txn)
	// Ranges inside a transaction only matter to whoever waits for the reply.
	skipRanges := !s.w.IsRegistered(requestID(r))
	resp, _, err := txn.Txn(ctx, s.lg, r.Txn, sharedWriteBuffer, s.kv, s.lessor, skipRanges)
	return overQuota(newResult(resp, err), fits)
}

// overQuota turns a success into ErrNoSpace. The write has happened all the
// same, as in etcd: members with different file sizes must not diverge.
func overQuota(result *Result, fits bool) *Result {
	if result.Err == nil && !fits {
		result.Err = errors.ErrNoSpace
	}
	return result
}

func (s *EtcdServer) applyCompaction(ctx context.Context, r *pb.CompactionRequest) *Result {
	ctx, trace := traceutil.EnsureTrace(ctx, s.lg, "compact",
		traceutil.Field{Key: "revision", Value: r.Revision})
	physc, err := s.kv.Compact(trace, r.Revision)
	if err != nil {
		return &Result{Err: err, Physc: physc}
	}
	// Any key will do, the revision is what is asked for.
	rr, err := s.kv.Range(ctx, []byte("compaction"), nil, mvcc.RangeOptions{})
	if err != nil {
		return &Result{Err: err, Physc: physc}
	}
	header := &pb.ResponseHeader{Revision: rr.Rev}
	return &Result{Resp: &pb.CompactionResponse{Header: header}, Physc: physc}
}

// withoutEffect tells the requests that etcd may log and that change nothing.
func withoutEffect(r *pb.InternalRaftRequest) bool {
	return r.Range != nil || r.DowngradeVersionTest != nil
}
