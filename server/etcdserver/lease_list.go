package etcdserver

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/lease"
)

// LeaseTimeToLive says how many seconds a lease has left, and which keys are
// attached to it if the request asks. Only the leader knows. It returns
// lease.ErrLeaseNotFound, ErrLeaderChanged when the leader lost its office
// meanwhile, and what LeaseRenew returns when there is no leader or apply lags
// behind.
func (s *EtcdServer) LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, s.path.reqTimeout())
	defer cancel()
	if err := s.waitLeader(ctx); err != nil {
		return nil, err
	}
	// A put that was acknowledged has attached its key by then.
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	le := s.path.leaseLookup(ctx, lease.LeaseID(r.ID))
	if le == nil {
		return nil, lease.ErrLeaseNotFound
	}
	resp := &pb.LeaseTimeToLiveResponse{
		Header: &pb.ResponseHeader{}, ID: r.ID, TTL: int64(le.Remaining().Seconds()), GrantedTTL: le.TTL(),
	}
	if r.Keys {
		for _, key := range le.Keys() {
			resp.Keys = append(resp.Keys, []byte(key))
		}
	}
	// A lessor that is no longer primary has stopped the clock: the time above
	// may be wrong.
	if le.Demoted() {
		return nil, errors.ErrLeaderChanged
	}
	return resp, nil
}

// LeaseLeases lists the leases, the one that expires first in front. Every
// member knows them, so this one answers for itself.
func (s *EtcdServer) LeaseLeases(context.Context, *pb.LeaseLeasesRequest) (*pb.LeaseLeasesResponse, error) {
	leases := s.lessor.Leases()
	resp := &pb.LeaseLeasesResponse{Header: s.newHeader(), Leases: make([]*pb.LeaseStatus, len(leases))}
	for i, le := range leases {
		resp.Leases[i] = &pb.LeaseStatus{ID: int64(le.ID)}
	}
	return resp, nil
}
