package etcdserver

import (
	"context"
	stderrors "errors"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/lease"
)

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
