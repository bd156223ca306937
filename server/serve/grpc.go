package serve

import (
	"math"
	"slices"

	"google.golang.org/grpc"
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
	gs := grpc.NewServer(append(opts, n.seams.Options...)...)
	n.registerServices(registrar{gs, n.seams.ServiceDesc})
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
	if cfg.GRPCKeepAliveInterval > 0 && cfg.GRPCKeepAliveTimeout > 0 {
		opts = append(opts, grpc.KeepaliveParams(keepalive.ServerParameters{
			Time:    cfg.GRPCKeepAliveInterval,
			Timeout: cfg.GRPCKeepAliveTimeout,
		}))
	}
	return opts
}

// chain lines up the interceptors, the first of them outermost. grpc-go calls
// whatever stands in the chain, so what is nil must not.
func chain(n *Node) []grpc.ServerOption {
	in := n.seams.Interceptors
	unary := []grpc.UnaryServerInterceptor{in.OuterUnary, v3rpc.UnaryInterceptor(n.server), in.InnerUnary}
	unary = slices.DeleteFunc(unary, func(i grpc.UnaryServerInterceptor) bool { return i == nil })
	stream := []grpc.StreamServerInterceptor{in.OuterStream, v3rpc.StreamInterceptor(n.stopping, n.server), in.InnerStream}
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
	r.Server.RegisterService(desc, impl)
}
