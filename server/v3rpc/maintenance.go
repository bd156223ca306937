package v3rpc

import (
	"context"

	"go.uber.org/zap"
	"google.golang.org/grpc/health"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// Alarmer keeps the alarms of the cluster. It stands for v3rpc.Alarmer upstream.
type Alarmer interface {
	// Alarms returns the alarms that are raised.
	Alarms() []*pb.AlarmMember
	// Alarm lists, raises or clears alarms, the latter two through raft.
	Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error)
}

// Maintainer works on the member's files and on who leads. It stands for the
// small interfaces beside Alarmer upstream: Defrager, LeaderTransferrer,
// Downgrader and the hasher.
type Maintainer interface {
	Hash(ctx context.Context) (hash uint32, rev int64, err error)
	HashByRev(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error)
	Defragment(ctx context.Context) error
	Snapshot(ctx context.Context, f func(backend.Snapshot) error) error
	MoveLeader(ctx context.Context, lead, transferee uint64) error
	Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error)
	Versions
}

// maintenanceServer serves etcdserverpb.Maintenance: Status and Snapshot in files
// of their own, the rest here. Whatever concerns a member concerns the one that is
// asked, and no other.
type maintenanceServer struct {
	lg         *zap.Logger
	hdr        header
	s          Server
	quotaBytes int64
	health     healthNotifier
	// A method that is added to the service must not go unnoticed.
	pb.UnsafeMaintenanceServer
}

func newMaintenanceServer(s Server, cfg Config, hs *health.Server) *maintenanceServer {
	ms := &maintenanceServer{
		lg: cfg.Logger, hdr: newHeader(s), s: s, quotaBytes: cfg.QuotaBackendBytes,
		health: healthNotifier{lg: cfg.Logger, hs: hs, stopOnDefrag: cfg.StopGRPCServiceOnDefrag},
	}
	if ms.quotaBytes == 0 {
		ms.quotaBytes = storage.DefaultQuotaBytes
	}
	return ms
}

// Alarm lists, raises or clears alarms. Clearing NOSPACE is the way back after
// the quota was reached and room was made.
func (ms *maintenanceServer) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	resp, err := ask(ctx, r, ms.s.Alarm)
	if err != nil {
		return nil, err
	}
	if resp.Header == nil {
		resp.Header = &pb.ResponseHeader{}
	}
	ms.hdr.fill(resp.Header)
	return resp, nil
}

// Hash returns a checksum of the whole backend.
func (ms *maintenanceServer) Hash(ctx context.Context, r *pb.HashRequest) (*pb.HashResponse, error) {
	return askFilled(ctx, r, &ms.hdr, func(ctx context.Context, _ *pb.HashRequest) (*pb.HashResponse, error) {
		hash, rev, err := ms.s.Hash(ctx)
		return &pb.HashResponse{Header: &pb.ResponseHeader{Revision: rev}, Hash: hash}, err
	})
}

// HashKV returns a checksum of the keys up to a revision. Members that answer
// differently for the same revisions have gone different ways.
func (ms *maintenanceServer) HashKV(ctx context.Context, r *pb.HashKVRequest) (*pb.HashKVResponse, error) {
	return askFilled(ctx, r, &ms.hdr, func(ctx context.Context, r *pb.HashKVRequest) (*pb.HashKVResponse, error) {
		hash, rev, err := ms.s.HashByRev(ctx, r.Revision)
		return &pb.HashKVResponse{
			Header:          &pb.ResponseHeader{Revision: rev},
			Hash:            hash.Hash,
			CompactRevision: hash.CompactRevision,
			HashRevision:    hash.Revision,
		}, err
	})
}

// Defragment gives the room of deleted keys back to the file system.
func (ms *maintenanceServer) Defragment(ctx context.Context, r *pb.DefragmentRequest) (*pb.DefragmentResponse, error) {
	return ask(ctx, r, func(ctx context.Context, _ *pb.DefragmentRequest) (*pb.DefragmentResponse, error) {
		ms.lg.Info("starting defragment")
		ms.health.defragStarted()
		defer ms.health.defragFinished()
		if err := ms.s.Defragment(ctx); err != nil {
			ms.lg.Warn("defragment", zap.Error(err))
			return nil, err
		}
		ms.lg.Info("finished defragment")
		return &pb.DefragmentResponse{}, nil
	})
}

// MoveLeader hands the leadership to another member. Only the leader can.
func (ms *maintenanceServer) MoveLeader(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
	if ms.s.MemberID() != ms.s.Leader() {
		return nil, rpctypes.ErrGRPCNotLeader
	}
	return ask(ctx, r, func(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
		return &pb.MoveLeaderResponse{}, ms.s.MoveLeader(ctx, uint64(ms.s.Leader()), r.TargetID)
	})
}

// Downgrade prepares the cluster for an older release.
func (ms *maintenanceServer) Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error) {
	resp, err := ask(ctx, r, ms.s.Downgrade)
	if err != nil {
		return nil, err
	}
	resp.Header = &pb.ResponseHeader{}
	ms.hdr.fill(resp.Header)
	return resp, nil
}
