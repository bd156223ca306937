package etcdserver

import (
	"context"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"
)

// Hash returns a checksum of the whole backend, and the store's revision. It is
// for tests: two members with the same keys may well differ in what else is in
// their files.
func (s *EtcdServer) Hash(ctx context.Context) (hash uint32, rev int64, err error) {
	if !s.requests.enter() {
		return 0, 0, errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.hash(ctx)
}

// hashBackend is the plain HashFunc.
func (s *EtcdServer) hashBackend(context.Context) (uint32, int64, error) {
	return s.kv.HashStorage().Hash()
}

// HashByRev returns a checksum of all keys up to rev, on which members agree, and
// the store's revision. rev 0 stands for that one. It returns mvcc.ErrCompacted
// or mvcc.ErrFutureRev.
func (s *EtcdServer) HashByRev(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
	if !s.requests.enter() {
		return mvcc.KeyValueHash{}, 0, errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.hashByRev(ctx, rev)
}

// hashKeys is the plain HashByRevFunc.
func (s *EtcdServer) hashKeys(_ context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
	return s.kv.HashStorage().HashByRev(rev)
}

// Defragment writes the backend's file anew, without the room that deleted keys
// left behind. Everything that needs the backend waits meanwhile.
func (s *EtcdServer) Defragment(ctx context.Context) error {
	if !s.requests.enter() {
		return errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.defragment(ctx)
}

// defragBackend is the plain DefragmentFunc.
func (s *EtcdServer) defragBackend(context.Context) error { return s.be.Defrag() }

// Snapshot returns the backend as it is now, for f to write somewhere; f must
// watch ctx. Writes go on meanwhile, but what they replace stays in the file
// until f has returned. It returns f's error.
func (s *EtcdServer) Snapshot(ctx context.Context, f func(backend.Snapshot) error) error {
	if !s.requests.enter() {
		return errors.ErrStopped
	}
	defer s.requests.leave()
	snap := s.path.snapshot(ctx)
	err := f(snap)
	if cerr := snap.Close(); cerr != nil {
		s.lg.Warn("close backend snapshot", zap.Error(cerr))
	}
	return err
}

// snapshotBackend is the plain SnapshotFunc.
func (s *EtcdServer) snapshotBackend(context.Context) backend.Snapshot { return s.be.Snapshot() }

// DowngradeInfo tells whether the cluster is on its way to an older release.
func (s *EtcdServer) DowngradeInfo() *serverversion.DowngradeInfo { return s.cluster.DowngradeInfo() }

// MoveLeader hands the leadership to another member and returns when that leads.
// It returns ErrBadLeaderTransferee for one that cannot, and
// ErrTimeoutLeaderTransfer when ctx ends first.
func (s *EtcdServer) MoveLeader(ctx context.Context, lead, transferee uint64) error {
	m := s.cluster.Member(types.ID(transferee))
	if m == nil || m.IsLearner {
		return errors.ErrBadLeaderTransferee
	}
	s.lg.Info("leadership transfer starting",
		zap.Stringer("current-leader-member-id", types.ID(lead)),
		zap.Stringer("transferee-member-id", m.ID))
	s.r.TransferLeadership(ctx, lead, transferee)
	for {
		changed := s.leaderChanged.Receive()
		if s.Leader() == m.ID {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.ErrTimeoutLeaderTransfer
		case <-s.life.stopping:
			return errors.ErrStopped
		}
	}
}
