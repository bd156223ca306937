package v3rpc

import (
	"go.uber.org/zap"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// allGRPCServices is the health service's name for the server as a whole.
const allGRPCServices = ""

// healthNotifier tells health checks that a defragmentation is under way, during
// which requests are accepted and not answered. A balancer that sends clients
// elsewhere meanwhile spares them the wait. It stands for v3rpc's own.
type healthNotifier struct {
	lg *zap.Logger
	hs *health.Server
	// stopOnDefrag is etcd's feature StopGRPCServiceOnDefrag, which is off unless
	// asked for.
	stopOnDefrag bool
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
