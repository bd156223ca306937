package v3rpc

import (
	"context"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// DefaultMaxTxnOps is the default of Config.MaxTxnOps. It is embed.DefaultMaxTxnOps
// upstream.
const DefaultMaxTxnOps = 128

// Config configures the handlers.
type Config struct {
	// MaxTxnOps is how many compares, success operations and failure operations a
	// txn may have, each counted on its own; 0 means DefaultMaxTxnOps.
	MaxTxnOps uint
	// QuotaBackendBytes is the size in bytes above which the backend takes no more
	// writes. 0 means etcd's default of 2 GiB, a negative value no limit.
	QuotaBackendBytes int64
	// MaxRequestBytes is the size in bytes of the largest message that the server
	// accepts. A watch response that is larger is sent in fragments to watchers that
	// asked for them.
	MaxRequestBytes uint
	// WatchProgressNotifyInterval is the time between two progress notifications to
	// a watcher that asked for them and had no events; 0 means
	// DefaultWatchProgressNotifyInterval, and values below 100 ms mean 100 ms.
	WatchProgressNotifyInterval time.Duration
	// StopGRPCServiceOnDefrag makes the health service answer NOT_SERVING during a
	// defragmentation. It is etcd's feature gate of that name.
	StopGRPCServiceOnDefrag bool
	// Seams wrap parts of the handlers.
	Seams Seams
	// Logger gets the handlers' messages. It must not be nil.
	Logger *zap.Logger
}

// Seams are the places where the handlers can be wrapped without being edited. A nil
// field wraps nothing, so the zero value makes a server without wrappers.
type Seams struct {
	// Watch wraps the send loop of a watch stream. It is called once for each
	// stream, with the stream's context, before the loop begins. Only the goroutine of
	// the loop uses what Watch returns.
	Watch func(ctx context.Context, loop WatchLoop) WatchLoop
}

// RaftStatusGetter returns what a member knows of raft. It is
// apply.RaftStatusGetter upstream. All methods may be called at any time, by any
// goroutine.
type RaftStatusGetter interface {
	LeaderGetter
	ClusterID() types.ID
	MemberID() types.ID
	CommittedIndex() uint64
	AppliedIndex() uint64
	Term() uint64
}

// Server is the raft side as the handlers see it; *etcdserver.EtcdServer implements
// it.
type Server interface {
	RaftKV
	RaftStatusGetter
	// KV returns the key-value store.
	KV() mvcc.WatchableKV
	// Backend returns the database file below the store.
	Backend() backend.Backend
	// Cluster returns the cluster's members as this member knows them.
	Cluster() *membership.RaftCluster
	Lessor
	Alarmer
	Authenticator
	Maintainer
	Members
}

// Services are the handlers of one server. They may be called through gRPC, or
// directly, as the lock and election services do. Either way their errors are gRPC
// statuses, or errors of the caller's context.
type Services struct {
	KV          pb.KVServer
	Watch       pb.WatchServer
	Lease       pb.LeaseServer
	Auth        pb.AuthServer
	Cluster     pb.ClusterServer
	Maintenance pb.MaintenanceServer
	// Health answers SERVING from the start, because no connection is accepted before
	// the member is ready. The caller must call its Shutdown when the node begins to
	// stop.
	Health *health.Server
}

// NewServices returns the handlers of s. They may be called once s is ready.
func NewServices(s Server, cfg Config) Services {
	if cfg.MaxTxnOps == 0 {
		cfg.MaxTxnOps = DefaultMaxTxnOps
	}
	quota := quotaAlarmer{
		q:  storage.NewBackendQuota(cfg.Logger, cfg.QuotaBackendBytes, s.Backend(), "v3rpc"),
		a:  s,
		id: s.MemberID(),
		lg: cfg.Logger,
	}
	hs := health.NewServer()
	return Services{
		KV:          &quotaKVServer{KVServer: newKVServer(s, int(cfg.MaxTxnOps)), qa: quota},
		Watch:       newWatchServer(s, cfg),
		Lease:       &quotaLeaseServer{LeaseServer: newLeaseServer(s, cfg), qa: quota},
		Auth:        newAuthServer(s),
		Cluster:     newClusterServer(s),
		Maintenance: newMaintenanceServer(s, cfg, hs),
		Health:      hs,
	}
}

// Register registers the services on reg. grpc-go itself answers calls of other
// services with Unimplemented.
func (s Services) Register(reg grpc.ServiceRegistrar) {
	pb.RegisterKVServer(reg, s.KV)
	pb.RegisterWatchServer(reg, s.Watch)
	pb.RegisterLeaseServer(reg, s.Lease)
	pb.RegisterAuthServer(reg, s.Auth)
	pb.RegisterClusterServer(reg, s.Cluster)
	pb.RegisterMaintenanceServer(reg, s.Maintenance)
	healthpb.RegisterHealthServer(reg, s.Health)
}
