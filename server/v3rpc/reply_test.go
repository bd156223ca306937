package v3rpc

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/auth"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
)

// clientv3 recognises an error by its text alone, so each status must be one
// that it knows.
func TestEveryMappedErrorIsRecognisedByClients(t *testing.T) {
	for _, pair := range toGRPCError {
		got := togRPCError(pair.err)
		if _, ok := status.FromError(got); !ok {
			t.Errorf("%v: %T is no gRPC status", pair.err, got)
		}
		client := rpctypes.Error(got)
		_, known := client.(rpctypes.EtcdError) //nolint:errorlint // the type itself is the question
		// Cancellation reaches clients as a context error, and etcd keeps the
		// texts about the applied index and about an empty permission out of its
		// clients' table.
		exempt := errors.Is(pair.err, etcderrors.ErrCanceled) || errors.Is(pair.err, etcderrors.ErrTimeoutWaitAppliedIndex) ||
			errors.Is(pair.err, auth.ErrPermissionNotGiven)
		if !known && !exempt {
			t.Errorf("%v: clients do not know %q", pair.err, status.Convert(got).Message())
		}
	}
}

func TestErrorsOnTheirWayOut(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		code codes.Code
		text string
	}{
		{"plain", etcderrors.ErrNoLeader, codes.Unavailable, "etcdserver: no leader"},
		{"wrapped", fmt.Errorf("propose: %w", etcderrors.ErrStopped), codes.Unavailable, "etcdserver: server stopped"},
		{"backpressure", etcderrors.ErrTooManyRequests, codes.ResourceExhausted, "etcdserver: too many requests"},
		{"too large", etcderrors.ErrRequestTooLarge, codes.InvalidArgument, "etcdserver: request is too large"},
		{"client went away", context.Canceled, codes.Canceled, "context canceled"},
		{"deadline", context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded"},
		{"etcd alone can do it", fmt.Errorf("%w: no transport", errors.ErrUnsupported), codes.Unimplemented, "unsupported operation: no transport"},
		{"listed nowhere", errors.New("disk on fire"), codes.Unknown, "disk on fire"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// What grpc-go makes of a handler's error.
			got := status.FromContextError(togRPCError(tt.err))
			if s, ok := status.FromError(togRPCError(tt.err)); ok {
				got = s
			}
			if got.Code() != tt.code || got.Message() != tt.text {
				t.Errorf("got %s %q, want %s %q", got.Code(), got.Message(), tt.code, tt.text)
			}
		})
	}
}
