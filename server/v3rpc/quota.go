package v3rpc

import (
	"context"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/storage"
)

// quotaAlarmer refuses a write that the backend has no room for, and raises the NOSPACE
// alarm.
//
// The write must be refused before it is proposed. Once it is in raft's log, all members
// must apply it alike, whatever the size of their files. The alarm goes through raft and
// stays until an operator clears it: one full member stops the writes of the cluster.
type quotaAlarmer struct {
	q  storage.Quota
	a  Alarmer
	id types.ID
	lg *zap.Logger
}

// check returns nil if there is room for r. Otherwise it raises the alarm and returns
// rpctypes.ErrGRPCNoSpace, whether the alarm could be raised or not.
func (qa *quotaAlarmer) check(ctx context.Context, r any) error {
	if qa.q.Available(r) {
		return nil
	}
	raise := &pb.AlarmRequest{
		MemberID: uint64(qa.id),
		Action:   pb.AlarmRequest_ACTIVATE,
		Alarm:    pb.AlarmType_NOSPACE,
	}
	if _, err := qa.a.Alarm(ctx, raise); err != nil {
		qa.lg.Warn("raise NOSPACE alarm", zap.Error(err))
	}
	return rpctypes.ErrGRPCNoSpace
}

// quotaKVServer checks the quota before the two requests that can add data. Deletes and
// compactions pass, since they make room.
type quotaKVServer struct {
	pb.KVServer
	qa quotaAlarmer
}

func (s *quotaKVServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if err := s.qa.check(ctx, r); err != nil {
		return nil, err
	}
	return s.KVServer.Put(ctx, r)
}

func (s *quotaKVServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if err := s.qa.check(ctx, r); err != nil {
		return nil, err
	}
	return s.KVServer.Txn(ctx, r)
}

// quotaLeaseServer checks the quota before a new lease, which takes room too.
type quotaLeaseServer struct {
	pb.LeaseServer
	qa quotaAlarmer
}

func (s *quotaLeaseServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	if err := s.qa.check(ctx, r); err != nil {
		return nil, err
	}
	return s.LeaseServer.LeaseGrant(ctx, r)
}
