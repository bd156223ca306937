package etcdserver

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// EtcdServer is one member.
type EtcdServer struct{}

// NewServer is a skeleton.
func NewServer(cfg Config, seams Seams) (*EtcdServer, error) { return nil, errors.ErrStopped }

func (s *EtcdServer) Start()                           {}
func (s *EtcdServer) Stop()                            {}
func (s *EtcdServer) HardStop()                        {}
func (s *EtcdServer) ReadyNotify() <-chan struct{}     { return nil }
func (s *EtcdServer) StopNotify() <-chan struct{}      { return nil }
func (s *EtcdServer) Fatal() <-chan error              { return nil }
func (s *EtcdServer) ClusterID() types.ID              { return 0 }
func (s *EtcdServer) MemberID() types.ID               { return 0 }
func (s *EtcdServer) Leader() types.ID                 { return 0 }
func (s *EtcdServer) Term() uint64                     { return 0 }
func (s *EtcdServer) AppliedIndex() uint64             { return 0 }
func (s *EtcdServer) CommittedIndex() uint64           { return 0 }
func (s *EtcdServer) KV() mvcc.WatchableKV             { return nil }
func (s *EtcdServer) Backend() backend.Backend         { return nil }
func (s *EtcdServer) Cluster() *membership.RaftCluster { return nil }
func (s *EtcdServer) Alarms() []*pb.AlarmMember        { return nil }

func (s *EtcdServer) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return nil, errors.ErrStopped
}
func (s *EtcdServer) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	return nil, errors.ErrStopped
}
