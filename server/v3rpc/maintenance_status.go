package v3rpc

import (
	"context"

	"github.com/coreos/go-semver/semver"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/raft/v3"
)

// Versions tells what the member and its file are, and are to become.
type Versions interface {
	// IsLearner tells whether the member has no vote.
	IsLearner() bool
	// StorageVersion is the layout of the backend, nil when it cannot be told.
	StorageVersion() *semver.Version
	// DowngradeInfo tells of a downgrade under way; nil and not enabled are the
	// same.
	DowngradeInfo() *serverversion.DowngradeInfo
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
		IsLearner:        ms.s.IsLearner(),
		DowngradeInfo:    &pb.DowngradeInfo{},
	}
	ms.hdr.fill(resp.Header)
	if v := ms.s.StorageVersion(); v != nil {
		resp.StorageVersion = v.String()
	}
	if info := ms.s.DowngradeInfo(); info != nil {
		resp.DowngradeInfo.Enabled = info.Enabled
		resp.DowngradeInfo.TargetVersion = info.TargetVersion
	}
	if resp.Leader == raft.None {
		resp.Errors = append(resp.Errors, etcderrors.ErrNoLeader.Error())
	}
	for _, a := range ms.s.Alarms() {
		resp.Errors = append(resp.Errors, a.String())
	}
	return resp, nil
}
