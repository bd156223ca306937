package etcdserver

import (
	"context"
	"encoding/json"
	stderrors "errors"
	"fmt"
	"time"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/membershippb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// publish puts the member's name and client URLs into the cluster's membership,
// through raft, and then declares the member ready. It tries until it succeeds or
// the member stops.
func (s *EtcdServer) publish() {
	req := &membershippb.ClusterMemberAttrSetRequest{
		Member_ID: uint64(s.memberID),
		MemberAttributes: &membershippb.Attributes{
			Name:       s.cfg.Name,
			ClientUrls: s.cfg.ClientURLs.StringSlice(),
		},
	}
	for {
		err := s.proposeOwn(&pb.InternalRaftRequest{ClusterMemberAttrSet: req})
		switch {
		case err == nil:
			s.waitClusterVersion()
			return
		case stderrors.Is(err, errors.ErrStopped), s.life.ctx.Err() != nil:
			return
		default:
			s.lg.Warn("publish local member", zap.Error(err))
		}
		// After a restart, proposals fail at once until the log is applied.
		select {
		case <-time.After(s.cfg.heartbeat()):
		case <-s.life.stopping:
			return
		}
	}
}

// waitClusterVersion waits until the cluster has a version and then closes readych.
// Without a version, members do not know which requests all of them understand.
func (s *EtcdServer) waitClusterVersion() {
	for {
		changed := s.clusterVersionChanged.Receive()
		if s.cluster.Version() != nil {
			s.lg.Info("published local member to cluster through raft",
				zap.Stringer("local-member-id", s.memberID),
				zap.String("name", s.cfg.Name),
				zap.Strings("client-urls", s.cfg.ClientURLs.StringSlice()),
				zap.Stringer("cluster-id", s.ClusterID()))
			close(s.life.readych)
			return
		}
		select {
		case <-changed:
		case <-s.life.stopping:
			return
		}
	}
}

// proposeOwn takes a request of the member itself through raft.
func (s *EtcdServer) proposeOwn(r *pb.InternalRaftRequest) error {
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.ReqTimeout())
	defer cancel()
	_, err := s.path.raftRequest(ctx, r)
	return err
}

// dispatchCluster executes a request from the log about the cluster: its version, a
// member's attributes, or a downgrade.
func (s *EtcdServer) dispatchCluster(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.ClusterVersionSet != nil:
		v, err := semver.NewVersion(r.ClusterVersionSet.Ver)
		if err != nil {
			return &Result{Err: err}
		}
		s.cluster.SetVersion(v, ignoreVersion, membership.ApplyBoth)
	case r.ClusterMemberAttrSet != nil:
		set := r.ClusterMemberAttrSet
		s.cluster.UpdateAttributes(types.ID(set.Member_ID), membership.Attributes{
			Name:       set.MemberAttributes.Name,
			ClientURLs: set.MemberAttributes.ClientUrls,
		}, membership.ApplyBoth)
	case r.DowngradeInfoSet != nil:
		info := &serverversion.DowngradeInfo{Enabled: r.DowngradeInfoSet.Enabled}
		if info.Enabled {
			info.TargetVersion = r.DowngradeInfoSet.Ver
		}
		s.cluster.SetDowngradeInfo(info, membership.ApplyBoth)
	}
	return &Result{}
}

// readyPercentThreshold is the share of the leader's log that a learner must have
// before it may be promoted.
const readyPercentThreshold = 0.9

// errNoTransport is returned for a change after which the members could not form a
// quorum.
var errNoTransport = fmt.Errorf(
	"%w: this server has no transport to other members, so no voting member can be added", stderrors.ErrUnsupported)

// confChangeResponse is what apply gives to the configure that waits for a change.
type confChangeResponse struct {
	members []*membership.Member
	// advanced is closed when raft knows that the change is applied. Until then
	// raft drops other changes.
	advanced <-chan struct{}
	err      error
}

// MemberList returns the members. A linearizable list contains all changes that
// were acknowledged before the call.
func (s *EtcdServer) MemberList(ctx context.Context, r *pb.MemberListRequest) ([]*membership.Member, error) {
	if r.Linearizable {
		if err := s.linearizableReadNotify(ctx); err != nil {
			return nil, err
		}
	}
	return s.cluster.Members(), nil
}

// AddMember adds a learner, which has no vote. The learner receives nothing, because
// there is no transport. AddMember returns the members after the change, or
// membership.ErrPeerURLexists or membership.ErrTooManyLearners. For a voting member
// it returns an error that wraps the standard library's errors.ErrUnsupported: the
// cluster would lose its quorum.
func (s *EtcdServer) AddMember(ctx context.Context, m membership.Member) ([]*membership.Member, error) {
	if !m.IsLearner {
		return nil, errNoTransport
	}
	return s.configureMember(ctx, raftpb.ConfChangeAddLearnerNode, m.ID, m)
}

// UpdateMember changes a member's peer URLs. It returns the members after the
// change, or membership.ErrIDNotFound or membership.ErrPeerURLexists.
func (s *EtcdServer) UpdateMember(ctx context.Context, m membership.Member) ([]*membership.Member, error) {
	return s.configureMember(ctx, raftpb.ConfChangeUpdateNode, m.ID, m)
}

// RemoveMember removes a member. It returns the members after the change,
// ErrNotEnoughStartedMembers if the others could not form a quorum, or
// membership.ErrIDNotFound.
func (s *EtcdServer) RemoveMember(ctx context.Context, id types.ID) ([]*membership.Member, error) {
	m := s.cluster.Member(id)
	learner := m != nil && m.IsLearner
	if !learner && !s.cluster.IsReadyToRemoveVotingMember(uint64(id)) {
		return nil, errors.ErrNotEnoughStartedMembers
	}
	return s.configureMember(ctx, raftpb.ConfChangeRemoveNode, id, nil)
}

// PromoteMember gives a learner a vote. It returns the members after the change,
// ErrNotLeader if this member does not lead, ErrLearnerNotReady if the learner lacks
// too much of the log, membership.ErrIDNotFound or membership.ErrMemberNotLearner.
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

// checkLearnerReady returns an error unless this member leads and the learner has
// readyPercentThreshold of its log. Upstream: isLearnerReady.
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

// configureMember proposes a change of one member. content is the change's context,
// which apply decodes in updateMembers.
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

// configure proposes a change of the membership and waits until this member has
// applied it. It returns the members after the change, or the reason why apply
// refused it.
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
		return s.awaitAdvanced(x)
	case <-ctx.Done():
		s.w.Trigger(cc.GetId(), nil)
		return nil, s.parseProposeCtxErr(ctx.Err(), start)
	case <-s.life.stopping:
		s.w.Trigger(cc.GetId(), nil)
		return nil, errors.ErrStopped
	}
}

// awaitAdvanced waits until raft accepts the next change of the membership, and
// returns what x, a *confChangeResponse, says of the last one.
func (s *EtcdServer) awaitAdvanced(x any) ([]*membership.Member, error) {
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

// applyConfChange applies a change of the membership and wakes the configure that
// waits for it. The first entries of every log are such changes: they add the
// members of a new cluster.
func (s *EtcdServer) applyConfChange(e *raftpb.Entry) {
	var cc raftpb.ConfChange
	err := proto.Unmarshal(e.GetData(), &cc)
	var refused error
	if err == nil {
		refused, err = s.changeMembership(&cc)
	}
	if err != nil {
		s.fail(fmt.Errorf("apply entry %d: change membership: %w", e.GetIndex(), err))
		return
	}
	s.w.Trigger(cc.GetId(), &confChangeResponse{
		members: s.cluster.Members(), advanced: s.progress.advancedc, err: refused,
	})
}

// changeMembership executes a change. It returns refused if the change is not valid,
// and err if the member cannot go on.
func (s *EtcdServer) changeMembership(cc *raftpb.ConfChange) (refused, err error) {
	// All members refuse the same invalid changes. Raft must be told of the change
	// nevertheless, or it would wait for it: with no node ID, it changes nothing.
	if refused := s.cluster.ValidateConfigurationChange(cc, membership.ApplyBoth); refused != nil {
		s.lg.Error("invalid configuration change", zap.Error(refused))
		cc.NodeId = new(raft.None)
		s.r.ApplyConfChange(cc)
		return refused, nil
	}
	s.progress.confState = s.r.ApplyConfChange(cc)
	s.beHooks.SetConfState(s.progress.confState)
	return nil, s.updateMembers(cc)
}

// updateMembers writes the change into the cluster. etcd also adds and removes peers
// of its transport here.
func (s *EtcdServer) updateMembers(cc *raftpb.ConfChange) error {
	id := types.ID(cc.GetNodeId())
	switch cc.GetType() {
	case raftpb.ConfChangeAddNode, raftpb.ConfChangeAddLearnerNode:
		var m membership.ConfigChangeContext
		if err := unmarshalMember(cc, &m, &m.Member); err != nil {
			return err
		}
		if m.IsPromote {
			s.cluster.PromoteMember(id, membership.ApplyBoth)
		} else {
			s.cluster.AddMember(&m.Member, membership.ApplyBoth)
		}
	case raftpb.ConfChangeUpdateNode:
		var m membership.Member
		if err := unmarshalMember(cc, &m, &m); err != nil {
			return err
		}
		s.cluster.UpdateRaftAttributes(id, m.RaftAttributes, membership.ApplyBoth)
	case raftpb.ConfChangeRemoveNode:
		s.cluster.RemoveMember(id, membership.ApplyBoth)
		if id == s.memberID {
			return fmt.Errorf("member %s has been removed from the cluster", id)
		}
	}
	return nil
}

// unmarshalMember decodes the change's context into v. m is the member within v; it
// returns an error if the member's ID is not that of the change.
func unmarshalMember(cc *raftpb.ConfChange, v any, m *membership.Member) error {
	if err := json.Unmarshal(cc.Context, v); err != nil {
		return err
	}
	if uint64(m.ID) != cc.GetNodeId() {
		return fmt.Errorf("entry names member %x, its context %s", cc.GetNodeId(), m.ID)
	}
	return nil
}
