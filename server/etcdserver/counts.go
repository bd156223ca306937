package etcdserver

import "sync/atomic"

// Counts are numbers of the server's life so far. Their namesakes upstream are
// the package's Prometheus metrics.
type Counts struct {
	ProposalsPending int64  // under way: proposed and not applied
	ProposalsFailed  uint64 // refused by raft, given up by the client, or too slow
	LeaderChanges    uint64
}

// counters hold Counts. A server has its own, so that several in one process do
// not add up to nonsense.
type counters struct {
	proposalsPending atomic.Int64
	proposalsFailed  atomic.Uint64
	leaderChanges    atomic.Uint64
}

// Counts returns the numbers as they are at the moment.
func (s *EtcdServer) Counts() Counts {
	return Counts{
		ProposalsPending: s.counters.proposalsPending.Load(),
		ProposalsFailed:  s.counters.proposalsFailed.Load(),
		LeaderChanges:    s.counters.leaderChanges.Load(),
	}
}
