package v3rpc

import (
	"bufio"
	"context"
	"crypto/sha256"
	"hash"
	"slices"

	"github.com/coreos/go-semver/semver"
	"go.uber.org/zap"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/api/v3/version"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"
)

// Alarmer keeps the alarms of the cluster. It is v3rpc.Alarmer upstream. Alarms may be
// called at any time, by any goroutine.
type Alarmer interface {
	// Alarms returns the alarms that are raised.
	Alarms() []*pb.AlarmMember
	// Alarm lists, raises or clears alarms; it raises and clears them through raft.
	Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error)
}

// Maintainer works on the member's files, its leadership and its versions. Upstream has
// several small interfaces instead: Defrager, LeaderTransferrer, Downgrader and the
// hasher.
type Maintainer interface {
	Hash(ctx context.Context) (hash uint32, rev int64, err error)
	HashByRev(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error)
	Defragment(ctx context.Context) error
	Snapshot(ctx context.Context, f func(backend.Snapshot) error) error
	MoveLeader(ctx context.Context, lead, transferee uint64) error
	Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error)
	Versions
}

// maintenanceServer serves etcdserverpb.Maintenance. Requests about a member are about
// the member that gets them.
type maintenanceServer struct {
	lg         *zap.Logger
	hdr        header
	s          Server
	quotaBytes int64
	health     healthNotifier
	// If upstream adds a method to the service, this package must not compile.
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

// Alarm lists, raises or clears alarms. After the quota was reached and room was made,
// writes are accepted again once NOSPACE is cleared.
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

// HashKV returns a checksum of the keys up to a revision. If two members return
// different checksums for the same revisions, their data has diverged.
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

// Defragment rewrites the database file without the space of deleted keys.
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

// MoveLeader transfers the leadership to another member. It returns
// rpctypes.ErrGRPCNotLeader if this member is not the leader.
func (ms *maintenanceServer) MoveLeader(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
	if ms.s.MemberID() != ms.s.Leader() {
		return nil, rpctypes.ErrGRPCNotLeader
	}
	return ask(ctx, r, func(ctx context.Context, r *pb.MoveLeaderRequest) (*pb.MoveLeaderResponse, error) {
		return &pb.MoveLeaderResponse{}, ms.s.MoveLeader(ctx, uint64(ms.s.Leader()), r.TargetID)
	})
}

// Downgrade validates, enables or cancels a downgrade of the cluster to an older release.
func (ms *maintenanceServer) Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error) {
	resp, err := ask(ctx, r, ms.s.Downgrade)
	if err != nil {
		return nil, err
	}
	resp.Header = &pb.ResponseHeader{}
	ms.hdr.fill(resp.Header)
	return resp, nil
}

// Versions returns what Status reports of the member and its file.
type Versions interface {
	// IsLearner reports whether the member is a learner, which has no vote.
	IsLearner() bool
	// StorageVersion returns the version of the backend's layout, or nil if it cannot
	// be determined.
	StorageVersion() *semver.Version
	// DowngradeInfo describes the downgrade under way. If there is no downgrade, it
	// returns nil or a value that is not enabled.
	DowngradeInfo() *serverversion.DowngradeInfo
}

// Status returns what `etcdctl endpoint status` prints. The version is that of the etcd
// release whose API this is, because clients choose by it which calls they make.
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

// snapshotSendBufferSize is how much of the file a message carries, in bytes.
const snapshotSendBufferSize = 32 * 1024

// Snapshot sends the backend's file as it was when the call arrived, and then, in a last
// message, the SHA-256 of the file. `etcdutl snapshot restore` reads both as one file.
func (ms *maintenanceServer) Snapshot(_ *pb.SnapshotRequest, stream pb.Maintenance_SnapshotServer) error {
	sender := &snapshotSender{stream: stream, sum: sha256.New()}
	if v := ms.s.StorageVersion(); v != nil {
		sender.version = v.String()
	}
	err := ms.s.Snapshot(stream.Context(), func(snap backend.Snapshot) error {
		sender.remaining = snap.Size()
		ms.lg.Info("sending database snapshot to client", zap.Int64("total-bytes", snap.Size()))
		return sender.sendFile(snap)
	})
	if err != nil {
		return togRPCError(err)
	}
	ms.lg.Info("sent database snapshot to client", zap.String("storage-version", sender.version))
	return nil
}

// snapshotSender sends each Write as a message.
type snapshotSender struct {
	stream    pb.Maintenance_SnapshotServer
	sum       hash.Hash
	version   string // the version of the backend's layout; "" if it cannot be determined
	remaining int64  // bytes of the file that are still to be sent
}

func (s *snapshotSender) sendFile(snap backend.Snapshot) error {
	w := bufio.NewWriterSize(s, snapshotSendBufferSize)
	if _, err := snap.WriteTo(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return s.send(s.sum.Sum(nil))
}

// Write sends p. It returns an error if the client went away or the server stops.
func (s *snapshotSender) Write(p []byte) (int, error) {
	if err := context.Cause(s.stream.Context()); err != nil {
		return 0, err
	}
	s.remaining -= int64(len(p))
	// A caller in this process may keep the message, but bufio reuses p.
	if err := s.send(slices.Clone(p)); err != nil {
		return 0, err
	}
	return s.sum.Write(p)
}

func (s *snapshotSender) send(blob []byte) error {
	return s.stream.Send(&pb.SnapshotResponse{
		RemainingBytes: uint64(s.remaining), Blob: blob, Version: s.version,
	})
}

// allGRPCServices is the health service's name for the server as a whole.
const allGRPCServices = ""

// healthNotifier makes the health service answer NOT_SERVING during a defragmentation.
// Requests to this member would wait for the end of it; a load balancer can send them to
// other members instead. Upstream has a type of the same name.
type healthNotifier struct {
	lg           *zap.Logger
	hs           *health.Server
	stopOnDefrag bool // see Config.StopGRPCServiceOnDefrag; if false, the health is left unchanged
}

func (n *healthNotifier) defragStarted() {
	if n.stopOnDefrag {
		n.set(healthpb.HealthCheckResponse_NOT_SERVING)
	}
}

func (n *healthNotifier) defragFinished() {
	if n.stopOnDefrag {
		n.set(healthpb.HealthCheckResponse_SERVING)
	}
}

func (n *healthNotifier) set(status healthpb.HealthCheckResponse_ServingStatus) {
	n.lg.Info("grpc service status changed", zap.Stringer("status", status))
	n.hs.SetServingStatus(allGRPCServices, status)
}
