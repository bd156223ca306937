package etcdserver

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

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
