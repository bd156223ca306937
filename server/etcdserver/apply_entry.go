package etcdserver

import (
	"context"
	stderrors "errors"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

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
