package etcdserver

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverstorage "go.etcd.io/etcd/server/v3/storage"
)

// checkAlarms returns ErrCorrupt or ErrNoSpace when an alarm forbids r. Alarms
// are in the log like everything else, so that every member refuses the same
// requests.
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

// needsSpace tells what can only add to the backend. Deletes, compactions and
// transactions without a put pass: they are the way out.
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
