package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
)

// clusterServer serves the one call of etcdserverpb.Cluster that a client needs
// to find its way: MemberList. Changing the membership is Unimplemented.
type clusterServer struct {
	pb.UnimplementedClusterServer
	hdr     header
	cluster *membership.RaftCluster
}

func newClusterServer(s Server) *clusterServer {
	return &clusterServer{hdr: newHeader(s), cluster: s.Cluster()}
}

// MemberList names every member and the URLs under which it can be reached. A
// linearizable list needs no read index here: the only member there is has
// applied every change of the membership that anybody was told of.
func (cs *clusterServer) MemberList(context.Context, *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	resp := &pb.MemberListResponse{Header: &pb.ResponseHeader{}}
	cs.hdr.fillWithoutRevision(resp.Header)
	for _, m := range cs.cluster.Members() {
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
