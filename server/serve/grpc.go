package serve

import (
	"math"
	"slices"
	"time"

	"google.golang.org/grpc"
	// A request that is compressed with gzip is understood, and answered in kind;
	// the import registers it with grpc-go for the whole process. etcd does not have
	// it and answers such a request with Unimplemented; no client of etcd's compresses.
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"

	"glasskv/server/v3rpc"
)

// grpcOverheadBytes is what a request may take beyond MaxRequestBytes before
// grpc-go itself refuses it. Between the two limits the raft side refuses it,
// with an error that names the reason.
const grpcOverheadBytes = 512 * 1024

// maxSendBytes bounds a reply: not at all, since a range may be long.
const maxSendBytes = math.MaxInt32

// newGRPCServer makes the gRPC server of n with all its services registered. It
// stands for v3rpc.Server and the options that embed hands to it.
func newGRPCServer(n *Node) *grpc.Server {
	opts := append(limits(&n.cfg), chain(n)...)
	opts = append(opts, grpc.Creds(n.creds()), grpc.MaxHeaderListSize(maxHeaderBytes))
	opts = append(opts, n.cfg.GRPCAdditionalServerOptions...)
	gs := grpc.NewServer(append(opts, n.seams.Options...)...)
	n.registerServices(registrar{gs, n.seams.ServiceDesc})
	n.http.metrics.rpc.InitializeMetrics(gs)
	return gs
}

// limits bound what a client may ask of the server.
func limits(cfg *Config) []grpc.ServerOption {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(int(cfg.MaxRequestBytes) + grpcOverheadBytes),
		grpc.MaxSendMsgSize(maxSendBytes),
		grpc.MaxConcurrentStreams(cfg.MaxConcurrentStreams),
		// A handler must not outlive the store that it reads.
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

// keepAlive says when a connection is pinged and when it is too old. What is
// zero in it, grpc-go fills with its own defaults.
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

// defaultKeepAliveTimeout is that of keepalive.ServerParameters.
const defaultKeepAliveTimeout = 20 * time.Second

// userTimeout is how long grpc-go lets bytes wait for their acknowledgement: as
// long as for the answer to a ping.
func userTimeout(cfg *Config) time.Duration {
	if timeout := keepAlive(cfg).Timeout; timeout > 0 {
		return timeout
	}
	return defaultKeepAliveTimeout
}

// chain lines up the interceptors, the first of them outermost. grpc-go calls
// whatever stands in the chain, so what is nil must not.
func chain(n *Node) []grpc.ServerOption {
	in, rpc := n.seams.Interceptors, n.http.metrics.rpc
	unary := []grpc.UnaryServerInterceptor{in.OuterUnary, rpc.UnaryServerInterceptor(), v3rpc.RecoverUnary(n.lg), v3rpc.UnaryInterceptor(n.server), in.InnerUnary}
	unary = slices.DeleteFunc(unary, func(i grpc.UnaryServerInterceptor) bool { return i == nil })
	stream := []grpc.StreamServerInterceptor{in.OuterStream, rpc.StreamServerInterceptor(), v3rpc.RecoverStream(n.lg), v3rpc.StreamInterceptor(n.stopping, n.server), in.InnerStream}
	stream = slices.DeleteFunc(stream, func(i grpc.StreamServerInterceptor) bool { return i == nil })
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(unary...), grpc.ChainStreamInterceptor(stream...)}
}

// registrar hands services to the gRPC server, wrapped on the way.
type registrar struct {
	*grpc.Server
	wrap func(*grpc.ServiceDesc) *grpc.ServiceDesc
}

func (r registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	if r.wrap != nil {
		desc = r.wrap(desc)
	}
	r.Server.RegisterService(roomy(desc), impl)
}
