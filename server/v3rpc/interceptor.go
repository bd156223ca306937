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

// LeaderGetter knows the leader as this member sees it; raft.None while there
// is none.
type LeaderGetter interface {
	Leader() types.ID
}

// UnaryInterceptor returns what every unary request passes before its handler:
// the checks of its metadata. It stands for newUnaryInterceptor upstream.
func UnaryInterceptor(s LeaderGetter) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if err := checkMetadata(ctx, s); err != nil {
			return nil, err
		}
		return handler(ctx, req)
	}
}

// StreamInterceptor returns what every streaming call passes before its
// handler: the same checks, and a context that ends with stopping. A stream may
// live as long as its client likes; without that second end a graceful stop
// would wait for it until its patience is gone. It stands for
// newStreamInterceptor upstream.
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
			// The server ended the stream, not the client: say so.
			return rpctypes.ErrGRPCStopped
		}
		return err
	}
}

// serverStreamWithCtx is a stream whose handler sees another context.
type serverStreamWithCtx struct {
	grpc.ServerStream
	ctx context.Context
}

func (ss serverStreamWithCtx) Context() context.Context { return ss.ctx }

// checkMetadata refuses a call whose metadata names a client version that is
// no text, and one that insists on a leader (clientv3.WithRequireLeader) while
// this member knows of none. A call that does not insist may still be useful
// then: it can wait for the election, or read what is here.
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
