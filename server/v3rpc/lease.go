package v3rpc

import (
	"context"
	"errors"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
)

// Lessor grants, revokes and renews leases. It stands for etcdserver.Lessor
// upstream.
type Lessor interface {
	// LeaseGrant and LeaseRevoke go through raft.
	LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error)
	LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error)

	// LeaseRenew returns the time, in seconds, that the lease has again. Like
	// LeaseTimeToLive it returns lease.ErrLeaseNotFound when there is no such
	// lease.
	LeaseRenew(ctx context.Context, id lease.LeaseID) (int64, error)
	LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error)
	LeaseLeases(ctx context.Context, r *pb.LeaseLeasesRequest) (*pb.LeaseLeasesResponse, error)
}

// leaseServer serves etcdserverpb.Lease. It stands for LeaseServer upstream.
type leaseServer struct {
	pb.UnimplementedLeaseServer
	lg  *zap.Logger
	hdr header
	le  Lessor
}

func newLeaseServer(s Server, cfg Config) *leaseServer {
	return &leaseServer{lg: cfg.Logger, hdr: newHeader(s), le: s}
}

// LeaseGrant creates a lease. Its time begins when the leader applies it.
func (ls *leaseServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.le.LeaseGrant)
}

// LeaseRevoke ends a lease and deletes the keys attached to it.
func (ls *leaseServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.le.LeaseRevoke)
}

// LeaseTimeToLive says how long a lease has left. One that does not exist is no
// error: it has -1 seconds left.
func (ls *leaseServer) LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.timeToLive)
}

func (ls *leaseServer) timeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error) {
	resp, err := ls.le.LeaseTimeToLive(ctx, r)
	if errors.Is(err, lease.ErrLeaseNotFound) {
		return &pb.LeaseTimeToLiveResponse{Header: &pb.ResponseHeader{}, ID: r.ID, TTL: -1}, nil
	}
	return resp, err
}

// LeaseLeases lists all leases.
func (ls *leaseServer) LeaseLeases(ctx context.Context, r *pb.LeaseLeasesRequest) (*pb.LeaseLeasesResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.le.LeaseLeases)
}
