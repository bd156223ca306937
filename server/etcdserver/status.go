package etcdserver

import (
	"sync/atomic"
	"time"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.uber.org/zap"
)

// ClusterID returns the ID that the members of the cluster share.
func (s *EtcdServer) ClusterID() types.ID { return s.cluster.ID() }

// MemberID returns this member's ID.
func (s *EtcdServer) MemberID() types.ID { return s.memberID }

// Leader returns the leader's ID, 0 if no leader is known.
func (s *EtcdServer) Leader() types.ID { return types.ID(s.lead.Load()) }

// Term returns the raft term of the last applied entry.
func (s *EtcdServer) Term() uint64 { return s.term.Load() }

// AppliedIndex returns the index of the last applied entry.
func (s *EtcdServer) AppliedIndex() uint64 { return s.appliedIndex.Load() }

// CommittedIndex returns the highest index that is known to be committed.
func (s *EtcdServer) CommittedIndex() uint64 { return s.committedIndex.Load() }

// KV returns the store, in the wrapper of Seams.KV. The store must not be used
// after the server has stopped.
func (s *EtcdServer) KV() mvcc.WatchableKV { return s.kv }

// Backend returns the database below the store, for its sizes.
func (s *EtcdServer) Backend() backend.Backend { return s.be }

// Cluster returns the members and the cluster's version.
func (s *EtcdServer) Cluster() *membership.RaftCluster { return s.cluster }

// Alarms returns the alarms that are raised on any member.
func (s *EtcdServer) Alarms() []*pb.AlarmMember { return s.alarmStore.Get(pb.AlarmType_NONE) }

// IsLearner reports whether this member is a learner, which has no vote.
func (s *EtcdServer) IsLearner() bool { return s.cluster.IsLocalMemberLearner() }

// ReqTimeout returns how long a request may take, see Config.ReqTimeout.
func (s *EtcdServer) ReqTimeout() time.Duration { return s.cfg.ReqTimeout() }

// StorageVersion returns the version of the backend's layout, nil if it cannot be
// detected.
func (s *EtcdServer) StorageVersion() *semver.Version {
	v, err := schema.DetectSchemaVersion(s.lg, s.be.ReadTx())
	if err != nil {
		s.lg.Warn("detect storage version", zap.Error(err))
		return nil
	}
	return &v
}

func (s *EtcdServer) isLeader() bool { return s.Leader() == s.memberID }

func (s *EtcdServer) newHeader() *pb.ResponseHeader {
	return &pb.ResponseHeader{
		ClusterId: uint64(s.ClusterID()),
		MemberId:  uint64(s.memberID),
		Revision:  s.kv.Rev(),
		RaftTerm:  s.Term(),
	}
}

// Counts are what a server has counted since it was opened. Upstream: Prometheus
// metrics such as proposalsPending.
type Counts struct {
	ProposalsPending int64  // proposed, and neither applied nor failed yet
	ProposalsFailed  uint64 // refused by raft, cancelled by the client, or timed out
	LeaderChanges    uint64
}

// counters are the counters behind Counts. Each server has its own, because several
// may run in one process.
type counters struct {
	proposalsPending atomic.Int64
	proposalsFailed  atomic.Uint64
	leaderChanges    atomic.Uint64
}

// Counts returns the current numbers. They are read one after the other, not in one
// step.
func (s *EtcdServer) Counts() Counts {
	return Counts{
		ProposalsPending: s.counters.proposalsPending.Load(),
		ProposalsFailed:  s.counters.proposalsFailed.Load(),
		LeaderChanges:    s.counters.leaderChanges.Load(),
	}
}
