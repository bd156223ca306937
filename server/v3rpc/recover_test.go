package v3rpc

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// logged checks that the log tells the method, the panic and where it happened.
func logged(t *testing.T, logs *observer.ObservedLogs, method, where string) {
	t.Helper()
	entries := logs.TakeAll()
	if len(entries) != 1 {
		t.Fatalf("%d log entries, want one", len(entries))
	}
	fields := entries[0].ContextMap()
	stack, _ := fields["stack"].(string)
	if fields["method"] != method || fields["panic"] != "no such page" || !strings.Contains(stack, where) {
		t.Errorf("logged %v", fields)
	}
}

func TestAPanicInAHandlerFailsTheRequestAndIsLogged(t *testing.T) {
	core, logs := observer.New(zap.ErrorLevel)
	reply, err := RecoverUnary(zap.New(core))(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/s/Unary"}, unaryThatPanics)
	if reply != nil || status.Code(err) != codes.Internal {
		t.Errorf("reply %v, error %v; want none, and Internal", reply, err)
	}
	logged(t, logs, "/s/Unary", "unaryThatPanics")

	err = RecoverStream(zap.New(core))(nil, nil, &grpc.StreamServerInfo{FullMethod: "/s/Stream"}, streamThatPanics)
	if status.Code(err) != codes.Internal {
		t.Errorf("error %v, want Internal", err)
	}
	logged(t, logs, "/s/Stream", "streamThatPanics")
}

func unaryThatPanics(context.Context, any) (any, error) { panic("no such page") }

func streamThatPanics(any, grpc.ServerStream) error { panic("no such page") }

func TestWithoutAPanicTheRecoveryIsNotThere(t *testing.T) {
	reply, err := RecoverUnary(zap.NewNop())(t.Context(), nil, nil, func(context.Context, any) (any, error) { return "reply", context.Canceled })
	if reply != "reply" || err != context.Canceled { //nolint:errorlint // the very same error, not one like it
		t.Errorf("reply %v, error %v", reply, err)
	}
}
