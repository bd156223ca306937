package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
)

// ClusterLister lists the members. With r.Linearizable the list is at least as
// new as the request.
type ClusterLister interface {
	MemberList(ctx context.Context, r *pb.MemberListRequest) ([]*membership.Member, error)
}

// clusterServer serves the one call of etcdserverpb.Cluster that a client needs
// to find its way: MemberList. Changing the membership is Unimplemented.
type clusterServer struct {
	pb.UnimplementedClusterServer
	hdr     header
	cluster ClusterLister
}

func newClusterServer(s Server, cluster ClusterLister) *clusterServer {
	return &clusterServer{hdr: newHeader(s), cluster: cluster}
}

// MemberList names every member and the URLs under which it can be reached.
func (cs *clusterServer) MemberList(ctx context.Context, r *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	members, err := cs.cluster.MemberList(ctx, r)
	if err != nil {
		return nil, togRPCError(err)
	}
	resp := &pb.MemberListResponse{Header: &pb.ResponseHeader{}}
	cs.hdr.fillWithoutRevision(resp.Header)
	for _, m := range members {
		resp.Members = append(resp.Members, &pb.Member{
			ID:         uint64(m.ID),
			Name:       m.Name,
			PeerURLs:   m.PeerURLs,
			ClientURLs: m.ClientURLs,
			IsLearner:  m.IsLearner,
		})
	}
	return resp, nil
}
