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
// through raft, and declares the member ready. It tries until it succeeds.
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
		// A refusal may come at once, as long as a restart applies its log.
		select {
		case <-time.After(s.cfg.heartbeat()):
		case <-s.life.stopping:
			return
		}
	}
}

// waitClusterVersion closes readych when the cluster has a version: before, a
// member of an older release could not tell what it may be asked for.
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

// proposeOwn proposes a request of the member's own.
func (s *EtcdServer) proposeOwn(r *pb.InternalRaftRequest) error {
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.ReqTimeout())
	defer cancel()
	_, err := s.path.raftRequest(ctx, r)
	return err
}

// dispatchCluster executes what the log says about the cluster as a whole.
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

// applyConfChange applies a change of the membership: the first entry of every
// cluster is one, and etcd's log may hold others.
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

// changeMembership returns why the change is refused, if it is, and an error that
// the member cannot survive.
func (s *EtcdServer) changeMembership(cc *raftpb.ConfChange) (refused, err error) {
	// A change that is not valid is not an error: it was proposed in vain, and
	// every member finds so. raft wants to hear of it all the same.
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

// updateMembers writes the change into the cluster. With a transport, peers
// would be added and removed here as well.
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

// unmarshalMember reads the change's context into v, of which m is the member.
func unmarshalMember(cc *raftpb.ConfChange, v any, m *membership.Member) error {
	if err := json.Unmarshal(cc.Context, v); err != nil {
		return err
	}
	if uint64(m.ID) != cc.GetNodeId() {
		return fmt.Errorf("entry names member %x, its context %s", cc.GetNodeId(), m.ID)
	}
	return nil
}
