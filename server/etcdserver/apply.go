package etcdserver

import (
	"context"
	stderrors "errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// errUnsupportedEntry ends a member that meets an entry it cannot apply: if it
// went on, its state would differ from that of the other members.
var errUnsupportedEntry = stderrors.New("log holds a request that is not supported")

// etcdProgress is the state of the apply goroutine: the last applied entry
// (appliedi its index, appliedt its term) and the last snapshots.
type etcdProgress struct {
	confState           *raftpb.ConfState
	diskSnapshotIndex   uint64
	memorySnapshotIndex uint64
	appliedt            uint64
	appliedi            uint64
	// advancedc is toApply.advancedc of the entries that are applied now.
	advancedc <-chan struct{}
	catchUp   catchUp
}

// newProgress returns a progress that starts at the snapshot in raft's storage.
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

// applyReady is the scheduled job for one Ready. The scheduler runs one job at a
// time, on the apply goroutine. etcd would apply a snapshot from a leader here,
// before the entries; see errSnapshotReceived.
func (s *EtcdServer) applyReady(ap *toApply) {
	s.progress.advancedc = ap.advancedc
	s.path.applyAll(ap.entries)
	if ap.appliedc != nil {
		close(ap.appliedc)
	}
	// A snapshot must not be ahead of the log on disk.
	select {
	case <-ap.savedc:
		s.snapshotIfNeededAndCompactRaftLog()
	case <-s.r.done:
	}
}

// applyAll is the unwrapped ApplyAllFunc. It applies the entries and then releases the
// readers that wait for them.
func (s *EtcdServer) applyAll(entries []*raftpb.Entry) {
	s.applyEntries(entries)
	s.applyWait.Trigger(s.progress.appliedi)
}

// applyEntries skips entries that have been applied, and applies the rest.
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

// apply executes entries in order. It does not execute entries up to the backend's
// consistent index: the backend has their effects from before a restart. If an
// entry makes the member fail, apply returns without executing the entries after
// it.
func (s *EtcdServer) apply(entries []*raftpb.Entry) {
	for _, e := range entries {
		index, term := e.GetIndex(), e.GetTerm()
		if index > s.consistIndex.ConsistentIndex() {
			s.consistIndex.SetConsistentApplyingIndex(index, term)
			s.applyEntry(e)
			if s.life.failure.happened() {
				return
			}
			// An entry that writes nothing does not move the index by itself.
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

// applyEntryNormal is the unwrapped ApplyEntryFunc. It executes the request in an entry
// and gives the result to the goroutine that waits for it, if there is one on this
// member.
func (s *EtcdServer) applyEntryNormal(e *raftpb.Entry) {
	if len(e.GetData()) == 0 {
		s.applyFirstOfTerm()
		return
	}
	var r pb.InternalRaftRequest
	if err := proto.Unmarshal(e.GetData(), &r); err != nil {
		s.fail(fmt.Errorf("apply entry %d: %w", e.GetIndex(), err))
		return
	}
	id := requestID(&r)
	result := s.path.apply(context.Background(), &r)
	if stderrors.Is(result.Err, errUnsupportedEntry) || stderrors.Is(result.Err, ErrAuthEnabled) {
		s.fail(fmt.Errorf("apply entry %d: %w", e.GetIndex(), result.Err))
		return
	}
	if stderrors.Is(result.Err, errors.ErrNoSpace) && !s.outOfSpace() {
		s.raiseNoSpace(id, result)
		return
	}
	s.w.Trigger(id, result)
}

// applyFirstOfTerm applies the empty entry that a new leader proposes. All entries
// of earlier terms have been applied, so from now on reads may be answered and
// leases may expire.
func (s *EtcdServer) applyFirstOfTerm() {
	s.firstCommitInTerm.Notify()
	if s.isLeader() {
		s.lessor.Promote(s.cfg.electionTimeout())
	}
}

// requestID returns the ID of a request: the one in its header or, in an entry of
// an older etcd, the one in the request itself.
func requestID(r *pb.InternalRaftRequest) uint64 {
	if r.ID != 0 {
		return r.ID
	}
	return r.GetHeader().GetID()
}
