package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/raft/v3"
)

// maintenanceServer serves etcdserverpb.Maintenance as far as it tells how the
// member is: Status. The methods that do something to it are Unimplemented.
type maintenanceServer struct {
	pb.UnimplementedMaintenanceServer
	hdr        header
	s          Server
	quotaBytes int64
}

func newMaintenanceServer(s Server, quotaBytes int64) *maintenanceServer {
	if quotaBytes == 0 {
		quotaBytes = storage.DefaultQuotaBytes
	}
	return &maintenanceServer{hdr: newHeader(s), s: s, quotaBytes: quotaBytes}
}

// Status tells what `etcdctl endpoint status` prints. The version is that of
// the etcd whose API this is: clients decide by it what they may ask for.
func (ms *maintenanceServer) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	resp := &pb.StatusResponse{
		Header:           &pb.ResponseHeader{},
		Version:          version.Version,
		DbSize:           ms.s.Backend().Size(),
		DbSizeInUse:      ms.s.Backend().SizeInUse(),
		DbSizeQuota:      ms.quotaBytes,
		Leader:           uint64(ms.s.Leader()),
		RaftIndex:        ms.s.CommittedIndex(),
		RaftAppliedIndex: ms.s.AppliedIndex(),
		RaftTerm:         ms.s.Term(),
		DowngradeInfo:    &pb.DowngradeInfo{},
	}
	ms.hdr.fill(resp.Header)
	if resp.Leader == raft.None {
		resp.Errors = append(resp.Errors, etcderrors.ErrNoLeader.Error())
	}
	return resp, nil
}
