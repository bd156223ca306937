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

// Hash returns a checksum of the whole backend, and the store's revision. It is for
// tests: members with the same keys may differ in the rest of their files.
func (s *EtcdServer) Hash(ctx context.Context) (hash uint32, rev int64, err error) {
	if !s.requests.enter() {
		return 0, 0, errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.hash(ctx)
}

// hashBackend is the unwrapped HashFunc.
func (s *EtcdServer) hashBackend(context.Context) (uint32, int64, error) {
	return s.kv.HashStorage().Hash()
}

// HashByRev returns a checksum of all keys up to rev, which is the same on all
// members, and the store's revision. If rev is 0, it takes the store's revision. It
// may return mvcc.ErrCompacted or mvcc.ErrFutureRev.
func (s *EtcdServer) HashByRev(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
	if !s.requests.enter() {
		return mvcc.KeyValueHash{}, 0, errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.hashByRev(ctx, rev)
}

// hashKeys is the unwrapped HashByRevFunc.
func (s *EtcdServer) hashKeys(_ context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
	return s.kv.HashStorage().HashByRev(rev)
}

// Defragment rewrites the backend's file without the free pages that deleted keys
// left. Until it returns, reads and writes of the backend wait.
func (s *EtcdServer) Defragment(ctx context.Context) error {
	if !s.requests.enter() {
		return errors.ErrStopped
	}
	defer s.requests.leave()
	return s.path.defragment(ctx)
}

// defragBackend is the unwrapped DefragmentFunc.
func (s *EtcdServer) defragBackend(context.Context) error { return s.be.Defrag() }

// Snapshot calls f with a snapshot of the backend as it is now, and returns f's
// error. f must return when ctx ends. While f runs, writes go on, but the pages that
// they replace stay in the file.
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

// snapshotBackend is the unwrapped SnapshotFunc.
func (s *EtcdServer) snapshotBackend(context.Context) backend.Snapshot { return s.be.Snapshot() }

// DowngradeInfo returns whether a downgrade is enabled, and to which release.
func (s *EtcdServer) DowngradeInfo() *serverversion.DowngradeInfo { return s.cluster.DowngradeInfo() }

// MoveLeader transfers the leadership from lead to transferee and waits until that
// member leads. It returns ErrBadLeaderTransferee if the transferee is not a voting
// member, and ErrTimeoutLeaderTransfer if ctx ends first.
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
