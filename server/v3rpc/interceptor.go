package v3rpc

import (
	"context"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/raft/v3"
)

// LeaderGetter returns the leader that this member knows of, or raft.None. Leader may
// be called at any time, by any goroutine.
type LeaderGetter interface {
	Leader() types.ID
}

// UnaryInterceptor returns an interceptor that checks a unary request's metadata. It
// refuses a request that insists on a leader with rpctypes.ErrGRPCNoLeader if s knows
// of no leader. It is newUnaryInterceptor upstream.
func UnaryInterceptor(s LeaderGetter) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if err := checkMetadata(ctx, s); err != nil {
			return nil, err
		}
		return handler(ctx, req)
	}
}

// StreamInterceptor returns an interceptor that makes the same checks for a streaming
// call and ends the handler's context when stopping ends; the client then gets
// rpctypes.ErrGRPCStopped. A client may keep a stream open for ever, and a graceful stop
// would otherwise wait for it until it times out. It is newStreamInterceptor upstream.
func StreamInterceptor(stopping context.Context, s LeaderGetter) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if err := checkMetadata(ss.Context(), s); err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ss.Context())
		defer cancel()
		detach := context.AfterFunc(stopping, cancel)
		defer detach()
		err := handler(srv, serverStreamWithCtx{ServerStream: ss, ctx: ctx})
		if err != nil && stopping.Err() != nil && ss.Context().Err() == nil {
			// The server ended the stream, not the client.
			return rpctypes.ErrGRPCStopped
		}
		return err
	}
}

// serverStreamWithCtx is a stream with another context.
type serverStreamWithCtx struct {
	grpc.ServerStream
	ctx context.Context
}

func (ss serverStreamWithCtx) Context() context.Context { return ss.ctx }

// checkMetadata returns rpctypes.ErrGRPCInvalidClientAPIVersion if the client's version
// in the call's metadata is not UTF-8, and rpctypes.ErrGRPCNoLeader if the call insists
// on a leader (clientv3.WithRequireLeader) and this member knows of none. Other calls
// pass without a leader: they can wait for the election, or read this member's store.
func checkMetadata(ctx context.Context, s LeaderGetter) error {
	version := metadata.ValueFromIncomingContext(ctx, rpctypes.MetadataClientAPIVersionKey)
	if len(version) > 0 && !utf8.ValidString(version[0]) {
		return rpctypes.ErrGRPCInvalidClientAPIVersion
	}
	required := metadata.ValueFromIncomingContext(ctx, rpctypes.MetadataRequireLeaderKey)
	if len(required) > 0 && required[0] == rpctypes.MetadataHasLeader && s.Leader() == types.ID(raft.None) {
		return rpctypes.ErrGRPCNoLeader
	}
	return nil
}
