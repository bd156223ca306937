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

// Grants, revocations and expiry go through the log. Renewals and lookups do not:
// the log could not carry the renewals of many thousand clients, so the leader alone
// counts the time that leases have left, in memory.

// LeaseGrant creates a lease. If the request has no ID, LeaseGrant chooses one. It may
// return lease.ErrLeaseExists, lease.ErrLeaseTTLTooLarge and the errors of a proposal.
func (s *EtcdServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	for r.ID == int64(lease.NoLease) {
		r.ID = int64(s.reqIDGen.Next() & math.MaxInt64)
	}
	return propose[*pb.LeaseGrantResponse](ctx, s, &pb.InternalRaftRequest{LeaseGrant: r})
}

// LeaseRevoke ends a lease and deletes its keys. It may return
// lease.ErrLeaseNotFound and the errors of a proposal.
func (s *EtcdServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return propose[*pb.LeaseRevokeResponse](ctx, s, &pb.InternalRaftRequest{LeaseRevoke: r})
}

// dispatchLease executes a grant, a revocation or a checkpoint from the log.
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
	// renewRetryTime is the pause before another attempt to renew, if this member
	// leads and its lessor does not know that yet.
	renewRetryTime = 50 * time.Millisecond
)

// LeaseRenew restarts a lease's time to live and returns it, in seconds. Errors:
//
//   - lease.ErrLeaseNotFound: the lease does not exist or has expired
//   - lease.ErrNotPrimary: this member may have lost its leadership
//   - ErrNoLeader, ErrTimeout, ErrCanceled: this member did not become leader, or
//     its lessor did not, before ctx or the request timeout ended
//   - ErrTimeoutWaitAppliedIndex: apply lags behind
//   - ErrStopped: the member stops
func (s *EtcdServer) LeaseRenew(ctx context.Context, id lease.LeaseID) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.path.reqTimeout())
	defer cancel()
	for {
		// etcd forwards the request to the leader here, over its transport.
		if err := s.waitLeader(ctx); err != nil {
			return -1, err
		}
		if !s.ensureLeadership() {
			return -1, lease.ErrNotPrimary
		}
		// If the lease is not found, its grant may be committed and not applied.
		if s.path.leaseLookup(ctx, id) == nil {
			if err := s.waitCommittedApplied(ctx); err != nil {
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

// renewLease is the unwrapped LeaseRenewFunc. If the lease has expired, renewLease waits
// until the lease is revoked or this member no longer leads.
func (s *EtcdServer) renewLease(_ context.Context, id lease.LeaseID) (int64, error) {
	return s.lessor.Renew(id)
}

// lookupLease is the unwrapped LeaseLookupFunc. It returns nil if there is no such lease.
func (s *EtcdServer) lookupLease(_ context.Context, id lease.LeaseID) *lease.Lease {
	return s.lessor.Lookup(id)
}

// waitCommittedApplied waits until what is committed now is applied. It does not
// call the seam if nothing has to be waited for.
func (s *EtcdServer) waitCommittedApplied(ctx context.Context) error {
	if s.AppliedIndex() >= s.CommittedIndex() {
		return nil
	}
	return s.path.leaseWaitApplied(ctx)
}

// waitAppliedIndex is the unwrapped LeaseWaitAppliedFunc. It waits until everything
// that is committed now is applied.
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

// waitLeader waits until this member leads. It returns ErrNoLeader if ctx ends
// first.
func (s *EtcdServer) waitLeader(ctx context.Context) error {
	for {
		changed := s.leaderChanged.Receive() // before the check, so that no change is missed
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

// pause waits for d. It returns ErrTimeout or ErrCanceled if ctx ends first, and
// ErrStopped if the member stops.
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

// LeaseTimeToLive returns how many seconds a lease has left and, if the request
// asks for them, the keys attached to it. Only the leader knows the time. It may return
// lease.ErrLeaseNotFound, ErrLeaderChanged if this member lost its leadership
// during the call, ErrNoLeader, ErrTimeoutWaitAppliedIndex or ErrStopped.
func (s *EtcdServer) LeaseTimeToLive(ctx context.Context, r *pb.LeaseTimeToLiveRequest) (*pb.LeaseTimeToLiveResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, s.path.reqTimeout())
	defer cancel()
	if err := s.waitLeader(ctx); err != nil {
		return nil, err
	}
	// After this, acknowledged puts have attached their keys to the lease.
	if err := s.waitCommittedApplied(ctx); err != nil {
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
	// A lessor that is no longer primary does not count time: the time above may be
	// wrong.
	if le.Demoted() {
		return nil, errors.ErrLeaderChanged
	}
	return resp, nil
}

// LeaseLeases lists the leases in the order of their expiry, as this member knows
// them. It needs no leader.
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

// revokeExpiredLeases proposes to revoke leases that the lessor found expired, which
// it does only on the leader. It does not wait for the proposals. If one fails, the
// lessor finds the lease expired again.
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

// ensureLeadership reports whether this member still leads. If the raft loop has
// ticked lately, it would have learned of a new leader. If it has not, because it
// waits for the disk, ensureLeadership asks for a read index, which only a leader
// gets.
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

// inactiveTicks is the number of missing ticks after which the raft loop counts as
// inactive.
const inactiveTicks = 3

// isActive reports whether the raft loop has ticked within inactiveTicks.
func (s *EtcdServer) isActive() bool {
	latest := time.Unix(0, s.r.latestTickTS.Load())
	return time.Since(latest) < inactiveTicks*s.cfg.heartbeat()
}
