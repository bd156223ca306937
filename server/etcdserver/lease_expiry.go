package etcdserver

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
	"go.uber.org/zap"
)

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
