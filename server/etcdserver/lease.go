package etcdserver

import (
	"context"
	stderrors "errors"
	"math"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/lease"
	"go.uber.org/zap"
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
	return markOverQuota(&Result{Resp: resp}, fits)
}

const (
	// applyTimeout is how long a lease request waits for apply to catch up with
	// what is committed.
	applyTimeout = time.Second
	// renewRetryTime is the pause before a renewal is tried again, when the lessor
	// has not heard yet that this member leads.
	renewRetryTime = 50 * time.Millisecond
)

// LeaseRenew gives a lease its whole time again and returns it, in seconds.
// Renewals do not go through the log, which could not carry those of many
// thousand clients: only the leader counts a lease's time, in memory.
//
// It returns lease.ErrLeaseNotFound when there is no such lease or it has
// expired, lease.ErrNotPrimary when this member may have lost its leadership
// without knowing it, ErrTimeoutWaitAppliedIndex when apply lags behind,
// ErrTimeout, ErrCanceled and ErrNoLeader when no leader was found in time, and
// ErrStopped.
func (s *EtcdServer) LeaseRenew(ctx context.Context, id lease.LeaseID) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.path.reqTimeout())
	defer cancel()
	for {
		// With a transport, the request would be forwarded to the leader here.
		if err := s.waitLeader(ctx); err != nil {
			return -1, err
		}
		if !s.ensureLeadership() {
			return -1, lease.ErrNotPrimary
		}
		// A lease that is not found may be one whose grant is committed and not
		// applied.
		if s.path.leaseLookup(ctx, id) == nil {
			if err := s.catchUp(ctx); err != nil {
				return 0, err
			}
		}
		ttl, err := s.path.leaseRenew(ctx, id)
		if !stderrors.Is(err, lease.ErrNotPrimary) {
			return ttl, err
		}
		if err := s.pause(ctx, renewRetryTime); err != nil {
			return -1, err
		}
	}
}

// renewLease is the plain LeaseRenewFunc. For a lease that has expired it waits
// until that is revoked, which settles that it cannot be renewed.
func (s *EtcdServer) renewLease(_ context.Context, id lease.LeaseID) (int64, error) {
	return s.lessor.Renew(id)
}

// lookupLease is the plain LeaseLookupFunc.
func (s *EtcdServer) lookupLease(_ context.Context, id lease.LeaseID) *lease.Lease {
	return s.lessor.Lookup(id)
}

// catchUp waits until what is committed now is applied, if it is not already.
func (s *EtcdServer) catchUp(ctx context.Context) error {
	if s.AppliedIndex() >= s.CommittedIndex() {
		return nil
	}
	return s.path.leaseWaitApplied(ctx)
}

// waitAppliedIndex is the plain LeaseWaitAppliedFunc.
func (s *EtcdServer) waitAppliedIndex(ctx context.Context) error {
	timeout := time.NewTimer(applyTimeout)
	defer timeout.Stop()
	select {
	case <-s.applyWait.Wait(s.CommittedIndex()):
		return nil
	case <-timeout.C:
		return errors.ErrTimeoutWaitAppliedIndex
	case <-ctx.Done():
		return ctx.Err()
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}

// waitLeader returns nil when this member leads. It returns ErrNoLeader when ctx
// ends before there is a leader.
func (s *EtcdServer) waitLeader(ctx context.Context) error {
	for {
		changed := s.leaderChanged.Receive() // before the question, so that no answer is missed
		if s.isLeader() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.ErrNoLeader
		case <-s.life.stopping:
			return errors.ErrStopped
		}
	}
}

// pause lets some time pass.
func (s *EtcdServer) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		if stderrors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errors.ErrTimeout
		}
		return errors.ErrCanceled
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}

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

// maxPendingRevokes is how many expired leases are revoked at the same time.
const maxPendingRevokes = 16

// revokeExpiredLeases proposes the end of leases that the lessor found expired.
// It only finds any while it is primary, which it is on the leader. What does
// not succeed is found expired again.
func (s *EtcdServer) revokeExpiredLeases(leases []*lease.Lease) {
	s.goAttach(func() {
		if !s.ensureLeadership() {
			s.lg.Warn("did not revoke expired leases: this member may not be the leader any more",
				zap.Int("leases", len(leases)))
			return
		}
		slots := make(chan struct{}, maxPendingRevokes)
		for _, l := range leases {
			select {
			case slots <- struct{}{}:
			case <-s.life.stopping:
				return
			}
			s.goAttach(func() {
				defer func() { <-slots }()
				_, err := s.LeaseRevoke(s.life.ctx, &pb.LeaseRevokeRequest{ID: int64(l.ID)})
				if err != nil {
					s.lg.Warn("revoke expired lease", zap.Int64("lease-id", int64(l.ID)), zap.Error(err))
				}
			})
		}
	})
}

// ensureLeadership reports whether this member still leads, as far as it can be
// known. A raft loop that has ticked a moment ago would have heard of a new
// leader. One that has not, because it waits for the disk, must ask for a read
// index, which only a leader gets.
func (s *EtcdServer) ensureLeadership() bool {
	if s.isActive() {
		return true
	}
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.ReqTimeout())
	defer cancel()
	if err := s.linearizableReadNotify(ctx); err != nil {
		s.lg.Warn("check leadership", zap.Error(err))
		return false
	}
	return s.isLeader()
}

// inactiveTicks is how many ticks may be missing before the raft loop counts as
// stuck.
const inactiveTicks = 3

// isActive reports whether the raft loop has ticked lately.
func (s *EtcdServer) isActive() bool {
	latest := time.Unix(0, s.r.latestTickTS.Load())
	return time.Since(latest) < inactiveTicks*s.cfg.heartbeat()
}
