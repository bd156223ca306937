package etcdserver

import (
	"sync"

	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
)

// walStorage is the unwrapped Storage: the write-ahead log and the snapshot files.
// The log has a lock of its own, for the raft loop and the apply goroutine. mu
// only makes Close wait for the other methods.
type walStorage struct {
	mu sync.RWMutex
	w  *wal.WAL
	ss *snap.Snapshotter
}

// Save implements Storage. The log decides whether an fsync is due.
func (st *walStorage) Save(hs *raftpb.HardState, ents []*raftpb.Entry) error {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.w.Save(hs, ents)
}

// SaveSnap implements Storage. It writes the file before the marker: a crash in
// between leaves a file without a marker, which does no harm, and never a marker
// without a file.
func (st *walStorage) SaveSnap(sn *raftpb.Snapshot) error {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if err := st.ss.SaveSnap(sn); err != nil {
		return err
	}
	return st.w.SaveSnapshot(&walpb.Snapshot{
		Index:     sn.Metadata.Index,
		Term:      sn.Metadata.Term,
		ConfState: sn.Metadata.GetConfState(),
	})
}

// Release implements Storage. It unlocks log files, so that the purger may remove
// them, and removes databases that a leader once sent.
func (st *walStorage) Release(sn *raftpb.Snapshot) error {
	st.mu.RLock()
	defer st.mu.RUnlock()
	if err := st.w.ReleaseLockTo(sn.GetMetadata().GetIndex()); err != nil {
		return err
	}
	return st.ss.ReleaseSnapDBs(sn)
}

// Sync implements Storage.
func (st *walStorage) Sync() error {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.w.Sync()
}

// Close implements Storage.
func (st *walStorage) Close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.w.Close()
}
