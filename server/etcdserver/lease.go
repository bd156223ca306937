package etcdserver

import (
	"context"
	"math"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
)

// LeaseGrant creates a lease, with an ID of the server's choice when the request
// has none. It returns lease.ErrLeaseExists or lease.ErrLeaseTTLTooLarge.
func (s *EtcdServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	for r.ID == int64(lease.NoLease) {
		r.ID = int64(s.reqIDGen.Next() & math.MaxInt64)
	}
	return propose[*pb.LeaseGrantResponse](ctx, s, &pb.InternalRaftRequest{LeaseGrant: r})
}

// LeaseRevoke ends a lease and deletes its keys. It returns
// lease.ErrLeaseNotFound.
func (s *EtcdServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return propose[*pb.LeaseRevokeResponse](ctx, s, &pb.InternalRaftRequest{LeaseRevoke: r})
}

// dispatchLease executes what the log says about leases.
func (s *EtcdServer) dispatchLease(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.LeaseGrant != nil:
		return s.applyLeaseGrant(r.LeaseGrant)
	case r.LeaseRevoke != nil:
		if err := s.lessor.Revoke(lease.LeaseID(r.LeaseRevoke.ID)); err != nil {
			return &Result{Err: err}
		}
		return &Result{Resp: &pb.LeaseRevokeResponse{Header: s.newHeader()}}
	default:
		for _, c := range r.LeaseCheckpoint.Checkpoints {
			if err := s.lessor.Checkpoint(lease.LeaseID(c.ID), c.Remaining_TTL); err != nil {
				return &Result{Err: err}
			}
		}
		return &Result{Resp: &pb.LeaseCheckpointResponse{Header: s.newHeader()}}
	}
}

func (s *EtcdServer) applyLeaseGrant(r *pb.LeaseGrantRequest) *Result {
	fits := s.quota.Available(r)
	l, err := s.lessor.Grant(lease.LeaseID(r.ID), r.TTL)
	if err != nil {
		return &Result{Err: err}
	}
	resp := &pb.LeaseGrantResponse{ID: int64(l.ID), TTL: l.TTL(), Header: s.newHeader()}
	return overQuota(&Result{Resp: resp}, fits)
}
