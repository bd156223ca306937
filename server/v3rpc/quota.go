package v3rpc

import (
	"context"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/storage"
)

// quotaAlarmer lets a write pass only when the backend has room for it.
//
// A write that does not fit is refused before it is proposed. Once it is in
// raft's log it must be applied on every member alike, so this is the last place
// where the answer may depend on the size of this member's file. The alarm goes
// through raft and stays until somebody clears it: one member that is full stops
// the writes of all.
type quotaAlarmer struct {
	q  storage.Quota
	a  Alarmer
	id types.ID
	lg *zap.Logger
}

// check returns rpctypes.ErrGRPCNoSpace when r does not fit, after it has
// raised the alarm.
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

// quotaKVServer puts the quota before the two requests that can add data.
// Reads, deletes and compactions pass: they are how one gets below it again.
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

// quotaLeaseServer does the same for a new lease, which takes room too.
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
