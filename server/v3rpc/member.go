package v3rpc

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
)

// Members lists the members of the cluster and changes them through raft. Each method
// returns the members after the change.
type Members interface {
	MemberList(ctx context.Context, r *pb.MemberListRequest) ([]*membership.Member, error)
	AddMember(ctx context.Context, m membership.Member) ([]*membership.Member, error)
	RemoveMember(ctx context.Context, id types.ID) ([]*membership.Member, error)
	UpdateMember(ctx context.Context, m membership.Member) ([]*membership.Member, error)
	PromoteMember(ctx context.Context, id types.ID) ([]*membership.Member, error)
}

// clusterServer serves etcdserverpb.Cluster.
type clusterServer struct {
	hdr     header
	members Members
	// If upstream adds a method to the service, this package must not compile.
	pb.UnsafeClusterServer
}

func newClusterServer(s Server) *clusterServer {
	return &clusterServer{hdr: newHeader(s), members: s}
}

// MemberList returns every member with its URLs.
func (cs *clusterServer) MemberList(ctx context.Context, r *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	members, err := ask(ctx, r, cs.members.MemberList)
	if err != nil {
		return nil, err
	}
	return &pb.MemberListResponse{Header: cs.header(), Members: membersToProtoMembers(members)}, nil
}

// MemberAdd adds a member that is still to be started. Its ID is a hash of its peer URLs
// and the current time. It returns rpctypes.ErrGRPCMemberBadURLs if the URLs are invalid.
func (cs *clusterServer) MemberAdd(ctx context.Context, r *pb.MemberAddRequest) (*pb.MemberAddResponse, error) {
	urls, err := types.NewURLs(r.PeerURLs)
	if err != nil {
		return nil, rpctypes.ErrGRPCMemberBadURLs
	}
	now := time.Now()
	m := membership.NewMember("", urls, "", &now)
	if r.IsLearner {
		m = membership.NewMemberAsLearner("", urls, "", &now)
	}
	members, err := ask(ctx, *m, cs.members.AddMember)
	if err != nil {
		return nil, err
	}
	return &pb.MemberAddResponse{
		Header:  cs.header(),
		Member:  &pb.Member{ID: uint64(m.ID), PeerURLs: m.PeerURLs, IsLearner: m.IsLearner},
		Members: membersToProtoMembers(members),
	}, nil
}

// MemberRemove removes a member.
func (cs *clusterServer) MemberRemove(ctx context.Context, r *pb.MemberRemoveRequest) (*pb.MemberRemoveResponse, error) {
	members, err := ask(ctx, types.ID(r.ID), cs.members.RemoveMember)
	if err != nil {
		return nil, err
	}
	return &pb.MemberRemoveResponse{Header: cs.header(), Members: membersToProtoMembers(members)}, nil
}

// MemberUpdate changes a member's peer URLs.
func (cs *clusterServer) MemberUpdate(ctx context.Context, r *pb.MemberUpdateRequest) (*pb.MemberUpdateResponse, error) {
	members, err := ask(ctx, membership.Member{
		ID:             types.ID(r.ID),
		RaftAttributes: membership.RaftAttributes{PeerURLs: r.PeerURLs},
	}, cs.members.UpdateMember)
	if err != nil {
		return nil, err
	}
	return &pb.MemberUpdateResponse{Header: cs.header(), Members: membersToProtoMembers(members)}, nil
}

// MemberPromote makes a learner a voting member.
func (cs *clusterServer) MemberPromote(
	ctx context.Context, r *pb.MemberPromoteRequest,
) (*pb.MemberPromoteResponse, error) {
	members, err := ask(ctx, types.ID(r.ID), cs.members.PromoteMember)
	if err != nil {
		return nil, err
	}
	return &pb.MemberPromoteResponse{Header: cs.header(), Members: membersToProtoMembers(members)}, nil
}

// header returns a header without a revision: these replies are not about keys.
func (cs *clusterServer) header() *pb.ResponseHeader {
	h := &pb.ResponseHeader{}
	cs.hdr.fillWithoutRevision(h)
	return h
}

func membersToProtoMembers(members []*membership.Member) []*pb.Member {
	out := make([]*pb.Member, len(members))
	for i, m := range members {
		out[i] = &pb.Member{
			ID:         uint64(m.ID),
			Name:       m.Name,
			PeerURLs:   m.PeerURLs,
			ClientURLs: m.ClientURLs,
			IsLearner:  m.IsLearner,
		}
	}
	return out
}
