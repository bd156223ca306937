package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Lessor grants and revokes leases through raft. It stands for
// etcdserver.Lessor upstream, without the methods that keep a lease alive.
type Lessor interface {
	LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error)
	LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error)
}

// leaseServer serves the part of etcdserverpb.Lease that `put --lease` needs.
// Keep-alive and the listing calls are Unimplemented.
type leaseServer struct {
	pb.UnimplementedLeaseServer
	hdr header
	le  Lessor
}

func newLeaseServer(s Server) *leaseServer {
	return &leaseServer{hdr: newHeader(s), le: s}
}

// LeaseGrant creates a lease. Its time begins when the leader applies it.
func (ls *leaseServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	resp, err := ls.le.LeaseGrant(ctx, r)
	if err != nil {
		return nil, togRPCError(err)
	}
	ls.hdr.fill(resp.Header)
	return resp, nil
}

// LeaseRevoke ends a lease and deletes the keys attached to it.
func (ls *leaseServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	resp, err := ls.le.LeaseRevoke(ctx, r)
	if err != nil {
		return nil, togRPCError(err)
	}
	ls.hdr.fill(resp.Header)
	return resp, nil
}
