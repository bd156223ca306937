package v3rpc

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
)

// leader is a member that knows its leader, or none when it is zero.
type leader types.ID

func (l leader) Leader() types.ID { return types.ID(l) }

func incoming(pairs ...string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.Pairs(pairs...))
}

func TestMetadataDecidesWhoPasses(t *testing.T) {
	insists := incoming(rpctypes.MetadataRequireLeaderKey, rpctypes.MetadataHasLeader)
	for _, tt := range []struct {
		name   string
		ctx    context.Context
		leader leader
		want   error
	}{
		{"no metadata, no leader", context.Background(), 0, nil},
		{"does not insist, no leader", incoming("x", "y"), 0, nil},
		{"insists, no leader", insists, 0, rpctypes.ErrGRPCNoLeader},
		{"insists, leader", insists, 1, nil},
		{"version is no text", incoming(rpctypes.MetadataClientAPIVersionKey, "\xff"), 1, rpctypes.ErrGRPCInvalidClientAPIVersion},
		{"version of a client", incoming(rpctypes.MetadataClientAPIVersionKey, "3.7"), 1, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			handler := func(context.Context, any) (any, error) { called = true; return nil, nil }
			_, err := UnaryInterceptor(tt.leader)(tt.ctx, nil, nil, handler)
			if !errors.Is(err, tt.want) || called != (tt.want == nil) {
				t.Errorf("unary: got %v, handler called: %t; want %v", err, called, tt.want)
			}

			called = false
			stream := func(any, grpc.ServerStream) error { called = true; return nil }
			err = StreamInterceptor(context.Background(), tt.leader)(nil, serverStreamWithCtx{ctx: tt.ctx}, nil, stream)
			if !errors.Is(err, tt.want) || called != (tt.want == nil) {
				t.Errorf("stream: got %v, handler called: %t; want %v", err, called, tt.want)
			}
		})
	}
}

// A stream has no end of its own: it must see that the server stops, and its
// client must be told.
func TestStreamsEndWhenTheServerStops(t *testing.T) {
	stopping, stop := context.WithCancel(context.Background())
	entered := make(chan struct{})
	go func() {
		<-entered
		stop()
	}()
	handler := func(_ any, ss grpc.ServerStream) error {
		close(entered)
		<-ss.Context().Done()
		return ss.Context().Err()
	}
	err := StreamInterceptor(stopping, leader(1))(nil, serverStreamWithCtx{ctx: context.Background()}, nil, handler)
	if !errors.Is(err, rpctypes.ErrGRPCStopped) {
		t.Errorf("got %v, want %v", err, rpctypes.ErrGRPCStopped)
	}
}
