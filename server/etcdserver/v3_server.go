package etcdserver

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
)

// Range reads keys. Unless the read is serializable, Range first waits until the
// store contains every write that was acknowledged before the call. It may return
// mvcc.ErrCompacted or mvcc.ErrFutureRev for a revision out of bounds, and the errors
// of linearizableReadNotify.
func (s *EtcdServer) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if !s.requests.enter() {
		return nil, errors.ErrStopped
	}
	defer s.requests.leave()
	if !r.Serializable {
		if err := s.linearizableReadNotify(ctx); err != nil {
			return nil, err
		}
	}
	return s.path.rangeFn(ctx, r)
}

// readRange is the unwrapped RangeFunc.
func (s *EtcdServer) readRange(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	resp, _, err := txn.Range(ctx, s.lg, s.kv, r, true)
	return resp, err
}

// Put writes a key. It may return lease.ErrLeaseNotFound, ErrKeyNotFound if the request
// keeps the value or lease of a key that does not exist, and the errors of a proposal
// (processInternalRaftRequestOnce).
func (s *EtcdServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	return propose[*pb.PutResponse](ctx, s, &pb.InternalRaftRequest{Put: r})
}

// DeleteRange deletes keys. Its errors are those of a proposal.
func (s *EtcdServer) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	return propose[*pb.DeleteRangeResponse](ctx, s, &pb.InternalRaftRequest{DeleteRange: r})
}

// Txn evaluates comparisons and, by their outcome, executes one of two lists of
// operations. A transaction without writes takes the path of a read, with Range's
// errors; any other is proposed, with Put's errors.
func (s *EtcdServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if !txn.IsTxnReadonly(r) {
		return propose[*pb.TxnResponse](ctx, s, &pb.InternalRaftRequest{Txn: r})
	}
	if !s.requests.enter() {
		return nil, errors.ErrStopped
	}
	defer s.requests.leave()
	if !txn.IsTxnSerializable(r) {
		if err := s.linearizableReadNotify(ctx); err != nil {
			return nil, err
		}
	}
	return s.path.txn(ctx, r)
}

// readTxn is the unwrapped TxnFunc.
func (s *EtcdServer) readTxn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	resp, _, err := txn.Txn(ctx, s.lg, r, sharedWriteBuffer, s.kv, s.lessor, false)
	return resp, err
}

// Compact drops the history before a revision. If the request sets Physical, Compact
// waits until the backend no longer contains that history. It may return
// mvcc.ErrCompacted or mvcc.ErrFutureRev for a revision out of bounds, and the errors
// of a proposal.
func (s *EtcdServer) Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error) {
	result, err := s.path.processOnce(ctx, &pb.InternalRaftRequest{Compaction: r})
	if err != nil {
		return nil, err
	}
	if !s.requests.enter() {
		return nil, errors.ErrStopped
	}
	defer s.requests.leave()
	if r.Physical && result.Physc != nil {
		if err := s.waitPhysical(ctx, result.Physc); err != nil {
			return nil, err
		}
	}
	if result.Err != nil {
		return nil, result.Err
	}
	resp, err := as[*pb.CompactionResponse](result.Resp)
	if err != nil {
		return nil, err
	}
	resp.Header.Revision = s.kv.Rev()
	return resp, nil
}

// waitPhysical waits until a compaction has removed its keys from the backend, and
// commits the backend. Without the commit, a restart after a crash would resume a
// compaction that was reported as complete.
func (s *EtcdServer) waitPhysical(ctx context.Context, physc <-chan struct{}) error {
	select {
	case <-physc:
		s.be.ForceCommit()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}
