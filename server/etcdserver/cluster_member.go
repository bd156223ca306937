package etcdserver

import (
	"context"
	"encoding/json"
	stderrors "errors"
	"fmt"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3/raftpb"
)

// readyPercentThreshold is how much of the leader's log a learner must have
// before it may be promoted.
const readyPercentThreshold = 0.9

// errNoTransport is returned for a change after which this member could not
// reach a quorum.
var errNoTransport = fmt.Errorf(
	"%w: this server has no transport to other members, so no voting member can be added", stderrors.ErrUnsupported)

// confChangeResponse is what a waiting configure is told.
type confChangeResponse struct {
	members []*membership.Member
	// advanced is closed when raft has been told that the change is applied. It
	// takes no other change before.
	advanced <-chan struct{}
	err      error
}

// MemberList names the members. A linearizable list has every change that was
// acknowledged before it was asked for.
func (s *EtcdServer) MemberList(ctx context.Context, r *pb.MemberListRequest) ([]*membership.Member, error) {
	if r.Linearizable {
		if err := s.linearizableReadNotify(ctx); err != nil {
			return nil, err
		}
	}
	return s.cluster.Members(), nil
}

// AddMember adds a learner, which has no vote and gets nothing sent to it for
// want of a transport. For a voting member it returns an error that wraps
// errors.ErrUnsupported: the cluster would have lost its quorum. It returns
// membership.ErrPeerURLexists or membership.ErrTooManyLearners.
func (s *EtcdServer) AddMember(ctx context.Context, m membership.Member) ([]*membership.Member, error) {
	if !m.IsLearner {
		return nil, errNoTransport
	}
	return s.configureMember(ctx, raftpb.ConfChangeAddLearnerNode, m.ID, m)
}

// UpdateMember changes a member's peer URLs. It returns membership.ErrIDNotFound
// or membership.ErrPeerURLexists.
func (s *EtcdServer) UpdateMember(ctx context.Context, m membership.Member) ([]*membership.Member, error) {
	return s.configureMember(ctx, raftpb.ConfChangeUpdateNode, m.ID, m)
}

// RemoveMember removes a member. It returns ErrNotEnoughStartedMembers for one
// without whom there is no quorum, such as the only one, and
// membership.ErrIDNotFound.
func (s *EtcdServer) RemoveMember(ctx context.Context, id types.ID) ([]*membership.Member, error) {
	m := s.cluster.Member(id)
	learner := m != nil && m.IsLearner
	if !learner && !s.cluster.IsReadyToRemoveVotingMember(uint64(id)) {
		return nil, errors.ErrNotEnoughStartedMembers
	}
	return s.configureMember(ctx, raftpb.ConfChangeRemoveNode, id, nil)
}

// PromoteMember gives a learner a vote. It returns ErrNotLeader on a member that
// does not lead, membership.ErrIDNotFound, ErrLearnerNotReady for one that has
// not got enough of the log, and membership.ErrMemberNotLearner.
func (s *EtcdServer) PromoteMember(ctx context.Context, id types.ID) ([]*membership.Member, error) {
	if err := s.checkLearnerReady(uint64(id)); err != nil {
		return nil, err
	}
	if !s.cluster.IsReadyToPromoteMember(uint64(id)) {
		return nil, errors.ErrNotEnoughStartedMembers
	}
	return s.configureMember(ctx, raftpb.ConfChangeAddNode, id, membership.ConfigChangeContext{
		Member: membership.Member{ID: id}, IsPromote: true,
	})
}

// checkLearnerReady asks the leader's raft how far a member has come. It stands
// for isLearnerReady.
func (s *EtcdServer) checkLearnerReady(id uint64) error {
	status := s.r.Status()
	if status.Progress == nil {
		return errors.ErrNotLeader
	}
	learner, ok := status.Progress[id]
	if !ok {
		return membership.ErrIDNotFound
	}
	leader := status.Progress[status.ID]
	if float64(learner.Match) < readyPercentThreshold*float64(leader.Match) {
		return errors.ErrLearnerNotReady
	}
	return nil
}

// configureMember proposes a change of one member, with content for apply.
func (s *EtcdServer) configureMember(
	ctx context.Context, kind raftpb.ConfChangeType, id types.ID, content any,
) ([]*membership.Member, error) {
	cc := &raftpb.ConfChange{Type: kind.Enum(), NodeId: new(uint64(id))}
	if content != nil {
		var err error
		if cc.Context, err = json.Marshal(content); err != nil {
			return nil, err
		}
	}
	return s.configure(ctx, cc)
}

// configure proposes a change of the membership and waits until it is applied
// here. It returns the members after it.
func (s *EtcdServer) configure(ctx context.Context, cc *raftpb.ConfChange) ([]*membership.Member, error) {
	if !s.requests.enter() {
		return nil, errors.ErrStopped
	}
	defer s.requests.leave()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReqTimeout())
	defer cancel()
	cc.Id = new(s.reqIDGen.Next())
	start := time.Now()
	ch := s.w.Register(cc.GetId())
	if err := s.r.ProposeConfChange(ctx, cc); err != nil {
		s.w.Trigger(cc.GetId(), nil) // forget the registration
		return nil, proposeErr(err)
	}
	select {
	case x := <-ch:
		return s.configured(x)
	case <-ctx.Done():
		s.w.Trigger(cc.GetId(), nil)
		return nil, s.parseProposeCtxErr(ctx.Err(), start)
	case <-s.life.stopping:
		s.w.Trigger(cc.GetId(), nil)
		return nil, errors.ErrStopped
	}
}

// configured waits until the next change may be proposed.
func (s *EtcdServer) configured(x any) ([]*membership.Member, error) {
	resp, err := as[*confChangeResponse](x)
	if err != nil {
		return nil, err
	}
	select {
	case <-resp.advanced:
		return resp.members, resp.err
	case <-s.life.stopping:
		return nil, errors.ErrStopped
	}
}
