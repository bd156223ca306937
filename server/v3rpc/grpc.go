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

// DefaultMaxTxnOps bounds the operations of a txn unless a Config says
// otherwise, as embed.DefaultMaxTxnOps does.
const DefaultMaxTxnOps = 128

// Config holds what the handlers need to know beside the server.
type Config struct {
	// MaxTxnOps bounds each list of a txn; 0 means DefaultMaxTxnOps.
	MaxTxnOps uint
	// QuotaBackendBytes bounds the size of the backend in bytes. 0 means
	// etcd's default of 2 GiB, a negative value no bound.
	QuotaBackendBytes int64
	// MaxRequestBytes is the size in bytes at which what is sent to a watcher is
	// cut in pieces, if the watcher asked for that. It is the size of the largest
	// message that the server takes itself.
	MaxRequestBytes uint
	// WatchProgressNotifyInterval is how often watchers that asked for it are told
	// how far they are while nothing happens; 0 means
	// DefaultWatchProgressNotifyInterval, and less than 100 ms means that.
	WatchProgressNotifyInterval time.Duration
	// StopGRPCServiceOnDefrag makes the health service say NOT_SERVING while a
	// defragmentation is under way. It is etcd's feature of that name.
	StopGRPCServiceOnDefrag bool
	// Seams are put around the parts that they name.
	Seams Seams
	// Logger must not be nil.
	Logger *zap.Logger
}

// Seams are the places of the handlers where behaviour can be wrapped without
// editing them. A nil field leaves the plain part alone, so the zero value is
// the plain server.
type Seams struct {
	// Watch wraps the work of one watch stream's send loop. It is called once
	// for each stream, with the stream's context, before the loop begins. What it
	// returns is used by the loop's goroutine only.
	Watch func(ctx context.Context, loop WatchLoop) WatchLoop
}

// RaftStatusGetter answers what a member knows of raft. It stands for
// apply.RaftStatusGetter upstream. All methods may be called at any time.
type RaftStatusGetter interface {
	LeaderGetter
	ClusterID() types.ID
	MemberID() types.ID
	CommittedIndex() uint64
	AppliedIndex() uint64
	Term() uint64
}

// Server is the raft side, *etcdserver.EtcdServer, as the handlers see it.
type Server interface {
	RaftKV
	RaftStatusGetter
	// KV returns the store that requests are applied to.
	KV() mvcc.WatchableKV
	// Backend returns the file below the store.
	Backend() backend.Backend
	// Cluster returns the members as this one knows them.
	Cluster() *membership.RaftCluster
	Lessor
	Alarmer
	Authenticator
	Maintainer
	Members
}

// Services are the handlers of one server. They may be called directly, as the
// lock and election services do, as well as through gRPC.
type Services struct {
	KV          pb.KVServer
	Watch       pb.WatchServer
	Lease       pb.LeaseServer
	Auth        pb.AuthServer
	Cluster     pb.ClusterServer
	Maintenance pb.MaintenanceServer
	// Health says SERVING from the start: requests are let in when the member is
	// ready, not before. The caller stops it (with Shutdown) when the node begins
	// to stop.
	Health *health.Server
}

// NewServices makes the handlers of s. They may be called once s is ready.
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

// Register makes the services known to reg. What GlassKV has no part of is
// answered with Unimplemented by grpc-go itself.
func (s Services) Register(reg grpc.ServiceRegistrar) {
	pb.RegisterKVServer(reg, s.KV)
	pb.RegisterWatchServer(reg, s.Watch)
	pb.RegisterLeaseServer(reg, s.Lease)
	pb.RegisterAuthServer(reg, s.Auth)
	pb.RegisterClusterServer(reg, s.Cluster)
	pb.RegisterMaintenanceServer(reg, s.Maintenance)
	healthpb.RegisterHealthServer(reg, s.Health)
}
