package v3rpc

import (
	"context"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/raft/v3"
)

// Alarmer keeps the alarms of the cluster. It stands for v3rpc.Alarmer upstream.
type Alarmer interface {
	// Alarms returns the alarms that are raised.
	Alarms() []*pb.AlarmMember
	// Alarm lists, raises or clears alarms, the latter two through raft.
	Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error)
}

// maintenanceServer serves etcdserverpb.Maintenance as far as it tells how the
// member is: Status, and the alarms that would make it refuse writes. The methods
// that work on its files are Unimplemented.
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
	for _, a := range ms.s.Alarms() {
		resp.Errors = append(resp.Errors, a.String())
	}
	return resp, nil
}

// Alarm lists, raises or clears alarms. Clearing NOSPACE is the way back after
// the quota was reached and room was made.
func (ms *maintenanceServer) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	resp, err := ms.s.Alarm(ctx, r)
	if err != nil {
		return nil, togRPCError(err)
	}
	if resp.Header == nil {
		resp.Header = &pb.ResponseHeader{}
	}
	ms.hdr.fill(resp.Header)
	return resp, nil
}
