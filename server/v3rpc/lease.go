package v3rpc

import (
	"context"
	"errors"
	"io"

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

// LeaseKeepAlive renews leases until the client or the server ends the stream.
// The client decides how often; clientv3 does it when a third of the time has
// passed.
func (ls *leaseServer) LeaseKeepAlive(stream pb.Lease_LeaseKeepAliveServer) error {
	errc := make(chan error, 1)
	// Receiving ends with the client's context and not with the server's, so
	// it has a goroutine of its own, which the end of this handler sets free.
	go func() { errc <- ls.leaseKeepAlive(stream) }()
	select {
	case err := <-errc:
		return err
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// leaseKeepAlive answers one renewal after the other.
func (ls *leaseServer) leaseKeepAlive(stream pb.Lease_LeaseKeepAliveServer) error {
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			logStreamError(stream.Context(), ls.lg, "receive lease keep-alive", err)
			return err
		}
		resp, err := ls.renew(stream, req)
		if err != nil {
			return togRPCError(err)
		}
		if err := stream.Send(resp); err != nil {
			logStreamError(stream.Context(), ls.lg, "send lease keep-alive", err)
			return err
		}
	}
}

// renew answers a lease that does not exist, or not any more, with no time left.
func (ls *leaseServer) renew(stream pb.Lease_LeaseKeepAliveServer, r *pb.LeaseKeepAliveRequest) (*pb.LeaseKeepAliveResponse, error) {
	// The header comes first. A revision read after the renewal might be that of
	// the lease's end, and the client would think that it lived until then.
	resp := &pb.LeaseKeepAliveResponse{ID: r.ID, Header: &pb.ResponseHeader{}}
	ls.hdr.fill(resp.Header)
	ttl, err := ls.le.LeaseRenew(stream.Context(), lease.LeaseID(r.ID))
	if errors.Is(err, lease.ErrLeaseNotFound) {
		return resp, nil
	}
	resp.TTL = ttl
	return resp, err
}
