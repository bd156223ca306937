package etcdserver

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
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

// Raft keeps applied entries in memory for a follower that is a little slow. etcd
// counts them, SnapshotCatchUpEntries; with requests at the size limit that many
// take gigabytes, so here their bytes are bounded as well. A follower that asks
// for what is gone is sent a snapshot.
const (
	// maxCatchUpBytes bounds the entries that are kept in memory once they are
	// applied, in bytes.
	maxCatchUpBytes = 32 << 20
	// memorySnapshotBytes is after how many bytes of entries raft's log in memory
	// is cut, should memorySnapshotCount of them not have come by then.
	memorySnapshotBytes = maxCatchUpBytes / 8
)

// catchUp knows how large the applied entries are that raft's log still holds.
// It belongs to the apply goroutine.
type catchUp struct {
	stretches []stretch // cut off by snapshots in memory, the oldest first
	bytes     int       // of all stretches
	latest    int       // bytes applied since the last snapshot in memory
}

// stretch is a run of applied entries.
type stretch struct {
	last  uint64 // index of its last entry
	bytes int
}

// applied counts an entry of that many bytes.
func (c *catchUp) applied(bytes int) { c.latest += bytes }

// cut ends a stretch at the applied index and returns the index up to which
// entries must go, so that the others fit; zero when all of them may stay.
func (c *catchUp) cut(appliedi uint64) (gone uint64) {
	c.stretches = append(c.stretches, stretch{appliedi, c.latest})
	c.bytes += c.latest
	c.latest = 0
	for c.bytes > maxCatchUpBytes && len(c.stretches) > 1 {
		gone = c.stretches[0].last
		c.drop()
	}
	return gone
}

// forget drops the stretches that ended before index.
func (c *catchUp) forget(index uint64) {
	for len(c.stretches) > 0 && c.stretches[0].last < index {
		c.drop()
	}
}

func (c *catchUp) drop() {
	c.bytes -= c.stretches[0].bytes
	c.stretches = c.stretches[1:]
}

// purgeFileInterval is how often superfluous files are looked for.
const purgeFileInterval = 30 * time.Second

// purgeSnapFiles removes the oldest snapshot files beyond the number that is to
// be kept.
func (s *EtcdServer) purgeSnapFiles() {
	done, errc := fileutil.PurgeFileWithoutFlock(
		s.lg, s.cfg.snapDir(), "snap", s.cfg.MaxSnapFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// purgeWALFiles does the same for the log. A file that may still be needed is
// locked, and left alone.
func (s *EtcdServer) purgeWALFiles() {
	done, errc := fileutil.PurgeFileWithDoneNotify(
		s.lg, s.cfg.walDir(), "wal", s.cfg.MaxWALFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// awaitPurge returns when the purging has ended. An error ends it early; the
// member goes on, with files that nobody needs.
func (s *EtcdServer) awaitPurge(done <-chan struct{}, errc <-chan error) {
	<-done
	select {
	case err := <-errc:
		s.lg.Error("purge files", zap.Error(err))
	default:
	}
}
