package v3rpc

import (
	"context"
	"errors"
	"io"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
)

// Lessor grants, revokes and renews leases. It is etcdserver.Lessor upstream.
type Lessor interface {
	// LeaseGrant and LeaseRevoke go through raft.
	LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error)
	LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error)

	// LeaseRenew starts the lease's time anew and returns its TTL in seconds.
	// LeaseRenew and LeaseTimeToLive return lease.ErrLeaseNotFound if there is no such
	// lease.
	LeaseRenew(ctx context.Context, id lease.LeaseID) (int64, error)
	LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error)
	LeaseLeases(ctx context.Context, r *pb.LeaseLeasesRequest) (*pb.LeaseLeasesResponse, error)
}

// leaseServer serves etcdserverpb.Lease. It is LeaseServer upstream.
type leaseServer struct {
	pb.UnimplementedLeaseServer
	lg  *zap.Logger
	hdr header
	le  Lessor
}

func newLeaseServer(s Server, cfg Config) *leaseServer {
	return &leaseServer{lg: cfg.Logger, hdr: newHeader(s), le: s}
}

// LeaseGrant creates a lease. Its time starts when the leader applies the request.
func (ls *leaseServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.le.LeaseGrant)
}

// LeaseRevoke ends a lease and deletes the keys attached to it.
func (ls *leaseServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return askFilled(ctx, r, &ls.hdr, ls.le.LeaseRevoke)
}

// LeaseTimeToLive returns how many seconds a lease has left: -1, and no error, if it
// does not exist.
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
// The client decides how often; clientv3 renews a lease when a third of its TTL has
// passed.
func (ls *leaseServer) LeaseKeepAlive(stream pb.Lease_LeaseKeepAliveServer) error {
	errc := make(chan error, 1)
	// When the server stops, it ends the stream's context, but Recv goes on waiting. So
	// Recv is called in another goroutine, where it fails once this handler has returned.
	go func() { errc <- ls.leaseKeepAlive(stream) }()
	select {
	case err := <-errc:
		return err
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// leaseKeepAlive answers the stream's requests, one after the other. It returns nil
// when the client has no more of them.
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

// renew renews a lease and returns the answer, with a TTL of 0 if the lease does not
// exist.
func (ls *leaseServer) renew(stream pb.Lease_LeaseKeepAliveServer, r *pb.LeaseKeepAliveRequest) (*pb.LeaseKeepAliveResponse, error) {
	// The header must be filled before the renewal. Its revision might otherwise be
	// that of the lease's expiry, and the client would take the lease to be alive at
	// that revision.
	resp := &pb.LeaseKeepAliveResponse{ID: r.ID, Header: &pb.ResponseHeader{}}
	ls.hdr.fill(resp.Header)
	ttl, err := ls.le.LeaseRenew(stream.Context(), lease.LeaseID(r.ID))
	if errors.Is(err, lease.ErrLeaseNotFound) {
		return resp, nil
	}
	resp.TTL = ttl
	return resp, err
}
