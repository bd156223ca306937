package etcdserver

import (
	"context"
	stderrors "errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
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

// applyEntryNormal executes the request in an entry and gives the result to the
// goroutine that waits for it, if that is on this member and still there.
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

// applyFirstOfTerm applies the empty entry that a new leader proposes. Everything
// of earlier terms is applied by now, so that reads may be answered and leases
// may expire.
func (s *EtcdServer) applyFirstOfTerm() {
	s.firstCommitInTerm.Notify()
	if s.isLeader() {
		s.lessor.Promote(s.cfg.electionTimeout())
	}
}

// requestID is where a request's ID stands today, or where it stood before
// requests had a header.
func requestID(r *pb.InternalRaftRequest) uint64 {
	if r.ID != 0 {
		return r.ID
	}
	return r.GetHeader().GetID()
}

func (s *EtcdServer) outOfSpace() bool {
	return len(s.alarmStore.Get(pb.AlarmType_NOSPACE)) > 0
}

// raiseNoSpace proposes the alarm and only then answers the request that went
// over the quota. It must not wait on the apply goroutine, which has to apply the
// alarm.
func (s *EtcdServer) raiseNoSpace(id uint64, result *Result) {
	s.lg.Warn("backend quota exceeded; raising alarm", zap.Int64("backend-size-bytes", s.be.Size()))
	s.goAttach(func() {
		_, err := s.Alarm(s.life.ctx, &pb.AlarmRequest{
			MemberID: uint64(s.memberID),
			Action:   pb.AlarmRequest_ACTIVATE,
			Alarm:    pb.AlarmType_NOSPACE,
		})
		if err != nil {
			s.lg.Warn("raise alarm", zap.Error(err))
		}
		s.w.Trigger(id, result)
	})
}
