package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/storage"
)

// checkQuota returns rpctypes.ErrGRPCNoSpace when the backend has no room left
// for r.
//
// A write that does not fit is refused before it is proposed. Once it is in
// raft's log it must be applied on every member, so this is the last place
// where the answer may depend on this member's file alone.
func checkQuota(q storage.Quota, r any) error {
	if q.Available(r) {
		return nil
	}
	return rpctypes.ErrGRPCNoSpace
}

// quotaKVServer puts the quota before the two requests that can add data.
// Reads, deletes and compactions pass: they are how one gets below it again.
type quotaKVServer struct {
	pb.KVServer
	quota storage.Quota
}

func (s *quotaKVServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if err := checkQuota(s.quota, r); err != nil {
		return nil, err
	}
	return s.KVServer.Put(ctx, r)
}

func (s *quotaKVServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if err := checkQuota(s.quota, r); err != nil {
		return nil, err
	}
	return s.KVServer.Txn(ctx, r)
}

// quotaLeaseServer does the same for a new lease, which takes room too.
type quotaLeaseServer struct {
	pb.LeaseServer
	quota storage.Quota
}

func (s *quotaLeaseServer) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	if err := checkQuota(s.quota, r); err != nil {
		return nil, err
	}
	return s.LeaseServer.LeaseGrant(ctx, r)
}
