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

// memorySnapshotCount is the number of entries after which raft's log in memory is
// cut.
const memorySnapshotCount = 100

// snapshotIfNeededAndCompactRaftLog runs on the apply goroutine after the entries
// of each Ready. Upstream has the same name.
//
// The state itself is in the backend, so a snapshot on disk is little more than a
// marker in the log: a restart does not need the entries before it. A snapshot in
// memory lets raft drop entries that the followers have received.
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

// triggerSnapshot makes a snapshot at the applied index, in memory and, with
// toDisk, on disk.
func (s *EtcdServer) triggerSnapshot(toDisk bool) error {
	ep := &s.progress
	var data []byte
	if toDisk {
		// The backend must never be behind the snapshot: the entries between the
		// two may be gone from the log.
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

// membershipInV2Format returns what older versions of etcd expect in a snapshot
// file.
func (s *EtcdServer) membershipInV2Format() ([]byte, error) {
	st := v2store.New("/0", "/1")
	s.cluster.Store(st)
	return st.SaveNoCopy()
}

// compactRaftLog drops entries from raft's log in memory. It keeps the latest ones
// for a slow follower: SnapshotCatchUpEntries, but not more than maxCatchUpBytes.
func (s *EtcdServer) compactRaftLog() error {
	ep, index := &s.progress, uint64(1)
	if ep.appliedi > s.cfg.SnapshotCatchUpEntries {
		index = ep.appliedi - s.cfg.SnapshotCatchUpEntries
	}
	index = max(index, ep.catchUp.endRun(ep.appliedi))
	ep.catchUp.compact(index)
	err := s.r.raftStorage.Compact(index)
	if err != nil && !errors.Is(err, raft.ErrCompacted) {
		return fmt.Errorf("compact raft log: %w", err)
	}
	return nil
}

// Raft keeps applied entries in memory for slow followers. etcd bounds their
// number alone (SnapshotCatchUpEntries), which is gigabytes for requests at the
// size limit; here their bytes are bounded as well. A follower that needs older
// entries is sent a snapshot.
const (
	// maxCatchUpBytes bounds the applied entries that are kept in memory, in bytes.
	maxCatchUpBytes = 32 << 20
	// memorySnapshotBytes is the size of entries, in bytes, after which raft's log
	// in memory is cut, even if they are fewer than memorySnapshotCount.
	memorySnapshotBytes = maxCatchUpBytes / 8
)

// catchUp counts the bytes of the applied entries that raft's log still holds.
// Only the apply goroutine uses it.
type catchUp struct {
	runs   []entryRun // each ends at a snapshot in memory; the oldest first
	bytes  int        // the sum over all runs
	latest int        // bytes applied since the last snapshot in memory
}

// entryRun is a run of consecutive applied entries.
type entryRun struct {
	last  uint64 // index of the last entry
	bytes int
}

// applied counts an entry of that many bytes.
func (c *catchUp) applied(bytes int) { c.latest += bytes }

// endRun ends a run at the applied index. It returns the index up to which entries
// must be dropped so that the others fit, 0 if all of them fit. It never asks to
// drop the run that it ends.
func (c *catchUp) endRun(appliedi uint64) (dropTo uint64) {
	c.runs = append(c.runs, entryRun{appliedi, c.latest})
	c.bytes += c.latest
	c.latest = 0
	for c.bytes > maxCatchUpBytes && len(c.runs) > 1 {
		dropTo = c.runs[0].last
		c.dropFirst()
	}
	return dropTo
}

// compact drops the runs that ended before index.
func (c *catchUp) compact(index uint64) {
	for len(c.runs) > 0 && c.runs[0].last < index {
		c.dropFirst()
	}
}

func (c *catchUp) dropFirst() {
	c.bytes -= c.runs[0].bytes
	c.runs = c.runs[1:]
}

// purgeFileInterval is how often superfluous files are removed.
const purgeFileInterval = 30 * time.Second

// purgeSnapFiles keeps the newest MaxSnapFiles snapshot files and removes the
// others. It runs until the member stops.
func (s *EtcdServer) purgeSnapFiles() {
	done, errc := fileutil.PurgeFileWithoutFlock(
		s.lg, s.cfg.snapDir(), "snap", s.cfg.MaxSnapFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// purgeWALFiles does the same for the log, with MaxWALFiles. It does not remove
// files that are locked: they may still be needed.
func (s *EtcdServer) purgeWALFiles() {
	done, errc := fileutil.PurgeFileWithDoneNotify(
		s.lg, s.cfg.walDir(), "wal", s.cfg.MaxWALFiles, purgeFileInterval, s.life.stopping)
	s.awaitPurge(done, errc)
}

// awaitPurge returns when the purging has ended. An error ends it early, and is
// logged; the member goes on.
func (s *EtcdServer) awaitPurge(done <-chan struct{}, errc <-chan error) {
	<-done
	select {
	case err := <-errc:
		s.lg.Error("purge files", zap.Error(err))
	default:
	}
}
