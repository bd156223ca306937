package etcdserver

import (
	"errors"
	"fmt"

	"go.etcd.io/etcd/server/v3/etcdserver/api/v2store"
	"go.etcd.io/raft/v3"
	"go.uber.org/zap"
)

// memorySnapshotCount is after how many entries raft's log in memory is cut.
const memorySnapshotCount = 100

// snapshotIfNeededAndCompactRaftLog runs on the apply goroutine after each job.
//
// The state itself is in the backend, so that a snapshot on disk is little more
// than a mark in the log: what lies before it is not needed for a restart. The
// one in memory lets raft forget entries that every follower has long got.
func (s *EtcdServer) snapshotIfNeededAndCompactRaftLog() {
	ep := &s.progress
	toDisk := ep.appliedi-ep.diskSnapshotIndex > s.cfg.SnapshotCount
	if !toDisk && ep.appliedi-ep.memorySnapshotIndex <= memorySnapshotCount && ep.catchUp.latest <= memorySnapshotBytes {
		return
	}
	if err := s.triggerSnapshot(toDisk); err != nil {
		s.fail(err)
		return
	}
	if err := s.compactRaftLog(); err != nil {
		s.fail(err)
	}
}

// triggerSnapshot makes a snapshot at the applied index.
func (s *EtcdServer) triggerSnapshot(toDisk bool) error {
	ep := &s.progress
	var data []byte
	if toDisk {
		// The backend must never be behind the snapshot, or the log needed to
		// bring it forward would be gone.
		s.kv.Commit()
		var err error
		if data, err = s.membershipInV2Format(); err != nil {
			return fmt.Errorf("encode membership: %w", err)
		}
	}
	sn, err := s.r.raftStorage.CreateSnapshot(ep.appliedi, ep.confState, data)
	if errors.Is(err, raft.ErrSnapOutOfDate) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create snapshot: %w", err)
	}
	ep.memorySnapshotIndex = ep.appliedi
	if !toDisk {
		return nil
	}
	if err := s.r.storage.SaveSnap(sn); err != nil {
		return fmt.Errorf("save snapshot: %w", err)
	}
	ep.diskSnapshotIndex = ep.appliedi
	if err := s.r.storage.Release(sn); err != nil {
		return fmt.Errorf("release log: %w", err)
	}
	s.lg.Info("saved snapshot to disk", zap.Uint64("snapshot-index", ep.appliedi))
	return nil
}

// membershipInV2Format is what older versions of etcd expect in a snapshot file.
func (s *EtcdServer) membershipInV2Format() ([]byte, error) {
	st := v2store.New("/0", "/1")
	s.cluster.Store(st)
	return st.SaveNoCopy()
}

// compactRaftLog forgets entries in memory, except for those that a follower
// which is a little slow may still ask for.
func (s *EtcdServer) compactRaftLog() error {
	ep, index := &s.progress, uint64(1)
	if ep.appliedi > s.cfg.SnapshotCatchUpEntries {
		index = ep.appliedi - s.cfg.SnapshotCatchUpEntries
	}
	index = max(index, ep.catchUp.cut(ep.appliedi))
	ep.catchUp.forget(index)
	err := s.r.raftStorage.Compact(index)
	if err != nil && !errors.Is(err, raft.ErrCompacted) {
		return fmt.Errorf("compact raft log: %w", err)
	}
	return nil
}
