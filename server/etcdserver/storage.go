package etcdserver

import (
	"sync"

	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
)

// walStorage is the plain Storage: the write-ahead log and the snapshot files.
// The raft loop saves and the apply goroutine makes snapshots, at the same time;
// the log has a lock of its own, and mu only keeps Close from overtaking them.
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

// SaveSnap implements Storage. The file comes first: after a crash in between
// there is a file too many, which does no harm, and never a marker without one.
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

// Release implements Storage. Log files are unlocked, which lets the purger
// have them; databases that a leader once sent are removed at once.
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
