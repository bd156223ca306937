package etcdserver

import (
	"time"

	"go.etcd.io/raft/v3"
	"go.uber.org/zap"
)

// updateLeadership runs on the raft loop whenever raft's soft state changes.
func (s *EtcdServer) updateLeadership(lead uint64, isLeader bool) {
	before := s.lead.Swap(lead)
	newLeader := lead != raft.None && lead != before
	if !isLeader {
		// Only the leader decides that a lease has expired.
		s.lessor.Demote()
	} else if newLeader {
		s.leadElectedNano.Store(time.Now().UnixNano())
	}
	if newLeader {
		s.counters.leaderChanges.Add(1)
		s.leaderChanged.Notify()
	}
}

// updateCommittedIndex runs on the raft loop.
func (s *EtcdServer) updateCommittedIndex(index uint64) {
	if index > s.committedIndex.Load() {
		s.committedIndex.Store(index)
	}
}

// adjustTicks brings the first election of a single member forward: there is
// nobody whose heartbeat it could miss. It leaves the last tick to the clock.
func (s *EtcdServer) adjustTicks() {
	if len(s.cluster.VotingMembers()) != 1 {
		return
	}
	ticks := s.cfg.ElectionTicks - 1
	s.lg.Info("fast-forwarding election ticks of a single member",
		zap.Int("forward-ticks", ticks),
		zap.Duration("forward-duration", time.Duration(ticks)*s.cfg.heartbeat()))
	s.r.advanceTicks(ticks)
}
