package serve

import (
	"math"
	"slices"
	"time"

	"google.golang.org/grpc"
	// The import registers gzip with grpc-go, for the whole process: compressed requests
	// are understood and get compressed replies. etcd answers them with Unimplemented;
	// etcd's own clients do not compress.
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"

	"glasskv/server/v3rpc"
)

// grpcOverheadBytes is by how much a request may exceed MaxRequestBytes before grpc-go
// refuses it. Between the two limits the raft side refuses it, with an error that names
// the reason.
const grpcOverheadBytes = 512 * 1024

// maxSendBytes allows replies of any size, since a range may be long.
const maxSendBytes = math.MaxInt32

// newGRPCServer returns the gRPC server of n, with all services registered. It is
// v3rpc.Server upstream, with the options that embed passes to it.
func newGRPCServer(n *Node) *grpc.Server {
	opts := append(limits(&n.cfg), chain(n)...)
	opts = append(opts, grpc.Creds(n.creds()), grpc.MaxHeaderListSize(maxHeaderBytes))
	opts = append(opts, n.cfg.GRPCAdditionalServerOptions...)
	gs := grpc.NewServer(append(opts, n.seams.Options...)...)
	n.registerServices(registrar{gs, n.seams.ServiceDesc})
	n.http.metrics.rpc.InitializeMetrics(gs)
	return gs
}

// limits returns the options that limit what a client may ask of the server.
func limits(cfg *Config) []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(int(cfg.MaxRequestBytes) + grpcOverheadBytes),
		grpc.MaxSendMsgSize(maxSendBytes),
		grpc.MaxConcurrentStreams(cfg.MaxConcurrentStreams),
		// The store is closed after the server has stopped: no handler may still run then.
		grpc.WaitForHandlers(true),
	}
	if cfg.GRPCKeepAliveMinTime > 0 {
		opts = append(opts, grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: cfg.GRPCKeepAliveMinTime,
		}))
	}
	if cfg.ConnectionTimeout > 0 {
		opts = append(opts, grpc.ConnectionTimeout(cfg.ConnectionTimeout))
	}
	if cfg.NumStreamWorkers > 0 {
		opts = append(opts, grpc.NumStreamWorkers(cfg.NumStreamWorkers))
	}
	return append(opts, grpc.KeepaliveParams(keepAlive(cfg)))
}

// keepAlive returns the times after which a connection is pinged or is too old. grpc-go
// replaces zero values by its defaults.
func keepAlive(cfg *Config) keepalive.ServerParameters {
	p := keepalive.ServerParameters{
		MaxConnectionAge:      cfg.MaxConnectionAge,
		MaxConnectionAgeGrace: cfg.MaxConnectionAgeGrace,
	}
	if cfg.GRPCKeepAliveInterval > 0 && cfg.GRPCKeepAliveTimeout > 0 {
		p.Time, p.Timeout = cfg.GRPCKeepAliveInterval, cfg.GRPCKeepAliveTimeout
	}
	return p
}

// defaultKeepAliveTimeout is grpc-go's default of keepalive.ServerParameters.Timeout.
const defaultKeepAliveTimeout = 20 * time.Second

// userTimeout returns how long sent bytes may wait for their acknowledgement. As in grpc-go,
// it is as long as the wait for the answer to a ping.
func userTimeout(cfg *Config) time.Duration {
	if timeout := keepAlive(cfg).Timeout; timeout > 0 {
		return timeout
	}
	return defaultKeepAliveTimeout
}

// chain returns the options with the interceptors, the outermost first. grpc-go would call
// a nil interceptor, so those are left out.
func chain(n *Node) []grpc.ServerOption {
	in, rpc := n.seams.Interceptors, n.http.metrics.rpc
	unary := []grpc.UnaryServerInterceptor{in.OuterUnary, rpc.UnaryServerInterceptor(), v3rpc.RecoverUnary(n.lg), v3rpc.UnaryInterceptor(n.server), in.InnerUnary}
	unary = slices.DeleteFunc(unary, func(i grpc.UnaryServerInterceptor) bool { return i == nil })
	stream := []grpc.StreamServerInterceptor{in.OuterStream, rpc.StreamServerInterceptor(), v3rpc.RecoverStream(n.lg), v3rpc.StreamInterceptor(n.stopping, n.server), in.InnerStream}
	stream = slices.DeleteFunc(stream, func(i grpc.StreamServerInterceptor) bool { return i == nil })
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...)}
}

// registrar registers services on the gRPC server, with their descriptions wrapped.
type registrar struct {
	*grpc.Server
	wrap func(*grpc.ServiceDesc) *grpc.ServiceDesc
}

// RegisterService implements grpc.ServiceRegistrar.
func (r registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	if r.wrap != nil {
		desc = r.wrap(desc)
	}
	r.Server.RegisterService(withGrownStack(desc), impl)
}
