package etcdserver

import (
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// etcdProgress is how far the apply goroutine has come.
type etcdProgress struct {
	confState           *raftpb.ConfState
	diskSnapshotIndex   uint64
	memorySnapshotIndex uint64
	appliedt            uint64
	appliedi            uint64
	// advancedc is that of the Ready whose entries are being applied.
	advancedc <-chan struct{}
	catchUp   catchUp
}

// newProgress starts where the snapshot in raft's storage ends.
func newProgress(st *raft.MemoryStorage) (etcdProgress, error) {
	sn, err := st.Snapshot()
	if err != nil {
		return etcdProgress{}, fmt.Errorf("read raft snapshot: %w", err)
	}
	meta := sn.GetMetadata()
	return etcdProgress{
		confState:           meta.GetConfState(),
		diskSnapshotIndex:   meta.GetIndex(),
		memorySnapshotIndex: meta.GetIndex(),
		appliedt:            meta.GetTerm(),
		appliedi:            meta.GetIndex(),
	}, nil
}

// applyReady is the scheduled job for one Ready. Jobs run one after the other on
// the apply goroutine. A snapshot sent by a leader would be applied here, before
// the entries; see errSnapshotReceived.
func (s *EtcdServer) applyReady(ap *toApply) {
	s.progress.advancedc = ap.advancedc
	s.path.applyAll(ap.entries)
	if ap.appliedc != nil {
		close(ap.appliedc)
	}
	// The log must not lag behind a snapshot.
	select {
	case <-ap.savedc:
		s.snapshotIfNeededAndCompactRaftLog()
	case <-s.r.done:
	}
}

// applyAll applies the entries and releases the readers that waited for them.
func (s *EtcdServer) applyAll(entries []*raftpb.Entry) {
	s.applyEntries(entries)
	s.applyWait.Trigger(s.progress.appliedi)
}

// applyEntries drops what was applied already and applies the rest.
func (s *EtcdServer) applyEntries(entries []*raftpb.Entry) {
	if len(entries) == 0 {
		return
	}
	first, next := entries[0].GetIndex(), s.progress.appliedi+1
	if first > next {
		s.fail(fmt.Errorf("apply: first committed entry is %d, want at most %d", first, next))
		return
	}
	if done := next - first; done < uint64(len(entries)) {
		s.apply(entries[done:])
	}
}

// apply executes entries in order. The backend's consistent index says which of
// them it has seen before a restart: those are counted and not executed again.
// Once an entry has failed the member, none after it is touched.
func (s *EtcdServer) apply(entries []*raftpb.Entry) {
	for _, e := range entries {
		index, term := e.GetIndex(), e.GetTerm()
		if index > s.consistIndex.ConsistentIndex() {
			s.consistIndex.SetConsistentApplyingIndex(index, term)
			s.applyEntry(e)
			if s.life.failure.happened() {
				return
			}
			// An entry that wrote nothing has not moved the index by itself.
			if s.consistIndex.ConsistentIndex() < index {
				s.consistIndex.SetConsistentIndex(index, term)
			}
		}
		s.appliedIndex.Store(index)
		s.term.Store(term)
		s.progress.appliedi, s.progress.appliedt = index, term
		s.progress.catchUp.applied(len(e.GetData()))
	}
}

func (s *EtcdServer) applyEntry(e *raftpb.Entry) {
	switch e.GetType() {
	case raftpb.EntryNormal:
		s.path.applyEntry(e)
	case raftpb.EntryConfChange:
		s.applyConfChange(e)
	default:
		s.fail(fmt.Errorf("apply entry %d: %w: type %s", e.GetIndex(), errUnsupportedEntry, e.GetType()))
	}
}
