package v3rpc

import (
	"errors"
	"io"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
)

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
