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

// sharedWriteBuffer lets a writing transaction read the backend's buffer itself
// instead of a copy, as in etcd.
const sharedWriteBuffer = true

// dispatch is the unwrapped ApplyFunc: it executes one request on the store. It must do
// the same on every member, so nothing in it may depend on the clock, on chance or
// on this member's configuration. The quota is the exception: it should be the same
// on all members.
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
	case changesNothing(r):
		return &Result{Err: errors.ErrUnknownMethod}
	}
	if result := s.dispatchAuth(r); result != nil {
		return result
	}
	return &Result{Err: errUnsupportedEntry}
}

// newResult returns the Result of resp and err. It sets Resp only if err is nil: a
// nil P in it would be a non-nil interface.
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
	return markOverQuota(newResult(resp, err), fits)
}

func (s *EtcdServer) applyTxn(ctx context.Context, r *pb.InternalRaftRequest) *Result {
	fits := s.quota.Available(r.Txn)
	// The results of ranges in a transaction are needed only if a request on this
	// member waits for the reply.
	skipRanges := !s.w.IsRegistered(requestID(r))
	resp, _, err := txn.Txn(ctx, s.lg, r.Txn, sharedWriteBuffer, s.kv, s.lessor, skipRanges)
	return markOverQuota(newResult(resp, err), fits)
}

func (s *EtcdServer) applyCompaction(ctx context.Context, r *pb.CompactionRequest) *Result {
	ctx, trace := traceutil.EnsureTrace(ctx, s.lg, "compact",
		traceutil.Field{Key: "revision", Value: r.Revision})
	physc, err := s.kv.Compact(trace, r.Revision)
	if err != nil {
		return &Result{Err: err, Physc: physc}
	}
	// The range is read for its revision; the key does not matter.
	rr, err := s.kv.Range(ctx, []byte("compaction"), nil, mvcc.RangeOptions{})
	if err != nil {
		return &Result{Err: err, Physc: physc}
	}
	header := &pb.ResponseHeader{Revision: rr.Rev}
	return &Result{Resp: &pb.CompactionResponse{Header: header}, Physc: physc}
}

// changesNothing reports whether r is a request that etcd may log although it
// changes nothing.
func changesNothing(r *pb.InternalRaftRequest) bool {
	return r.Range != nil || r.DowngradeVersionTest != nil
}
