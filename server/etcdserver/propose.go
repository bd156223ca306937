package etcdserver

import (
	"context"
	stderrors "errors"
	"fmt"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3"
	"google.golang.org/protobuf/proto"
)

// maxGapBetweenApplyAndCommitIndex is how many committed entries may wait to be
// applied before new proposals are refused. They wait in memory.
const maxGapBetweenApplyAndCommitIndex = 5000

// propose takes r through raft and returns the reply or the error that apply
// made for it. T must be the type of r's reply.
func propose[T proto.Message](ctx context.Context, s *EtcdServer, r *pb.InternalRaftRequest) (T, error) {
	var none T
	resp, err := s.path.raftRequest(ctx, r)
	if err != nil {
		return none, err
	}
	return as[T](resp)
}

// as asserts the type of what apply returned. It fails only if a wrapper answers
// in place of apply, with another type.
func as[T any](x any) (T, error) {
	v, ok := x.(T)
	if !ok {
		return v, fmt.Errorf("apply returned %T, want %T", x, v)
	}
	return v, nil
}

// raftRequest takes r through raft and returns the reply or the error that apply
// made for it.
func (s *EtcdServer) raftRequest(ctx context.Context, r *pb.InternalRaftRequest) (proto.Message, error) {
	result, err := s.path.processOnce(ctx, r)
	if err != nil {
		return nil, err
	}
	if result.Err != nil {
		return nil, result.Err
	}
	return result.Resp, nil
}

// processInternalRaftRequestOnce gives r an ID, proposes it and waits until this
// member has applied it. After ErrTooManyRequests or ErrRequestTooLarge, r was not
// proposed. After any other error, such as ErrTimeout, ErrCanceled or ErrStopped,
// r may still be applied later.
func (s *EtcdServer) processInternalRaftRequestOnce(ctx context.Context, r *pb.InternalRaftRequest) (*Result, error) {
	if !s.requests.enter() {
		return nil, errors.ErrStopped
	}
	defer s.requests.leave()
	if s.CommittedIndex() > s.AppliedIndex()+maxGapBetweenApplyAndCommitIndex {
		return nil, errors.ErrTooManyRequests
	}

	id := s.reqIDGen.Next()
	r.Header = &pb.RequestHeader{ID: id}
	data, err := proto.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(data) > int(s.cfg.MaxRequestBytes) {
		return nil, errors.ErrRequestTooLarge
	}

	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, s.path.reqTimeout())
	defer cancel()
	s.counters.proposalsPending.Add(1)
	defer s.counters.proposalsPending.Add(-1)
	// Register before proposing, or the result could come first.
	ch := s.w.Register(id)
	if err := s.r.Propose(ctx, data); err != nil {
		s.counters.proposalsFailed.Add(1)
		s.w.Trigger(id, nil) // forget the registration
		return nil, proposeErr(err)
	}
	select {
	case x := <-ch:
		return as[*Result](x)
	case <-ctx.Done():
		s.counters.proposalsFailed.Add(1)
		s.w.Trigger(id, nil)
		return nil, s.parseProposeCtxErr(ctx.Err(), start)
	case <-s.life.stopping:
		s.w.Trigger(id, nil)
		return nil, errors.ErrStopped
	}
}

// proposeErr returns ErrStopped if raft has stopped. It returns other errors
// unchanged, as etcd does, also those of the context.
func proposeErr(err error) error {
	if stderrors.Is(err, raft.ErrStopped) {
		return errors.ErrStopped
	}
	return err
}

// parseProposeCtxErr returns the error for a proposal that raft accepted and that
// was not applied before its context ended: ErrCanceled if the caller gave up,
// ErrTimeoutDueToLeaderFail if a leader was elected after start, within two election
// timeouts, else ErrTimeout.
func (s *EtcdServer) parseProposeCtxErr(err error, start time.Time) error {
	switch {
	case stderrors.Is(err, context.Canceled):
		return errors.ErrCanceled
	case !stderrors.Is(err, context.DeadlineExceeded):
		return err
	}
	elected := time.Unix(0, s.leadElectedNano.Load())
	lost := elected.Add(-2 * s.cfg.electionTimeout())
	if start.After(lost) && start.Before(elected) {
		return errors.ErrTimeoutDueToLeaderFail
	}
	return errors.ErrTimeout
}
