package etcdserver

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverstorage "go.etcd.io/etcd/server/v3/storage"
	"go.uber.org/zap"
)

// Alarm lists, raises or clears alarms. All three go through the log, so that the
// answer is the same on every member. Its errors are those of a proposal.
func (s *EtcdServer) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	return propose[*pb.AlarmResponse](ctx, s, &pb.InternalRaftRequest{Alarm: r})
}

// checkAlarms returns ErrCorrupt or ErrNoSpace if an alarm forbids r. Alarms go
// through the log, so that all members refuse the same requests.
func (s *EtcdServer) checkAlarms(r *pb.InternalRaftRequest) error {
	if len(s.alarmStore.Get(pb.AlarmType_CORRUPT)) > 0 && touchesKeys(r) {
		return errors.ErrCorrupt
	}
	if needsSpace(r) && s.outOfSpace() {
		return errors.ErrNoSpace
	}
	return nil
}

func touchesKeys(r *pb.InternalRaftRequest) bool {
	return r.Put != nil || r.DeleteRange != nil || r.Txn != nil || r.Range != nil ||
		r.Compaction != nil || r.LeaseGrant != nil || r.LeaseRevoke != nil
}

// needsSpace reports whether r can only add to the backend. Deletes, compactions
// and transactions without a put do not: a user needs them to make room.
func needsSpace(r *pb.InternalRaftRequest) bool {
	if r.Txn != nil {
		var cost serverstorage.BackendQuota
		return cost.Cost(r.Txn) > 0
	}
	return r.Put != nil || r.LeaseGrant != nil
}

func (s *EtcdServer) applyAlarm(r *pb.AlarmRequest) *pb.AlarmResponse {
	resp := &pb.AlarmResponse{}
	var changed *pb.AlarmMember
	switch r.Action {
	case pb.AlarmRequest_GET:
		resp.Alarms = s.alarmStore.Get(r.Alarm)
	case pb.AlarmRequest_ACTIVATE:
		if r.Alarm != pb.AlarmType_NONE {
			changed = s.alarmStore.Activate(types.ID(r.MemberID), r.Alarm)
		}
	case pb.AlarmRequest_DEACTIVATE:
		changed = s.alarmStore.Deactivate(types.ID(r.MemberID), r.Alarm)
	}
	if changed != nil {
		resp.Alarms = append(resp.Alarms, changed)
	}
	return resp
}

// markOverQuota sets Err to ErrNoSpace if the request succeeded although it did not
// fit into the quota. The write stays, as in etcd: members whose files differ in size
// must not differ in their keys.
func markOverQuota(result *Result, fits bool) *Result {
	if result.Err == nil && !fits {
		result.Err = errors.ErrNoSpace
	}
	return result
}

// outOfSpace reports whether the NOSPACE alarm is raised on any member.
func (s *EtcdServer) outOfSpace() bool {
	return len(s.alarmStore.Get(pb.AlarmType_NOSPACE)) > 0
}

// raiseNoSpace proposes the NOSPACE alarm and, when that is applied, gives result
// to the request with that ID, which went over the quota. It waits on a goroutine
// of its own, because the apply goroutine has to apply the alarm.
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
