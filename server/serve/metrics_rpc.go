package serve

import (
	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
)

// rpcMetrics count gRPC calls, by the library and under the names that etcd
// uses.
type rpcMetrics struct{ *grpcprom.ServerMetrics }

func newRPCMetrics(extensive bool) *rpcMetrics {
	var opts []grpcprom.ServerMetricsOption
	if extensive {
		opts = append(opts, grpcprom.WithServerHandlingTimeHistogram())
	}
	return &rpcMetrics{grpcprom.NewServerMetrics(opts...)}
}
