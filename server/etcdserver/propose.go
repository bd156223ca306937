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
// applied before new proposals are refused: memory is what they wait in.
const maxGapBetweenApplyAndCommitIndex = 5000

// propose takes r through raft and gives its reply the type that the caller
// knows it has.
func propose[T proto.Message](ctx context.Context, s *EtcdServer, r *pb.InternalRaftRequest) (T, error) {
	var none T
	resp, err := s.path.raftRequest(ctx, r)
	if err != nil {
		return none, err
	}
	return as[T](resp)
}

// as gives what apply returned its type. Only a wrapper that answers in place of
// apply could get it wrong.
func as[T any](x any) (T, error) {
	v, ok := x.(T)
	if !ok {
		return v, fmt.Errorf("apply returned %T, want %T", x, v)
	}
	return v, nil
}

// raftRequest returns the reply or the error that apply made of r.
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

// processInternalRaftRequestOnce proposes r and waits until this member has
// applied it. It returns ErrTooManyRequests, ErrRequestTooLarge or ErrStopped
// for a request that was never proposed. With ErrTimeout, ErrCanceled, or
// ErrStopped while it waited, the request may still be applied later.
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
	// Registered before it is proposed, or its result could come first.
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

// proposeErr tells the stop of raft as the stop of the server. An error of the
// context is left as it is, as etcd leaves it: nothing was proposed.
func proposeErr(err error) error {
	if stderrors.Is(err, raft.ErrStopped) {
		return errors.ErrStopped
	}
	return err
}

// parseProposeCtxErr says why a proposal that raft had taken did not come back:
// the caller gave up, an election was under way, or it just took too long.
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
