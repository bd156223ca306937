package v3rpc

import (
	"context"
	"runtime/debug"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errPanicked is what the client is told when a handler panicked. The value and
// the stack are the operator's business and stand in the log alone.
var errPanicked = status.Error(codes.Internal, "the handler panicked; the server's log has the stack")

// RecoverUnary returns an interceptor that turns a handler's panic into a failed
// request: Internal for the client, the stack for the log. A goroutine that
// panics ends the whole process otherwise, and with it the requests of everybody
// else. It stands outside all other interceptors but the observer's. etcd has
// none: there a handler's panic is the end.
func RecoverUnary(lg *zap.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				reply, err = nil, panicked(lg, info.FullMethod, cause)
			}
		}()
		return handler(ctx, req)
	}
}

// RecoverStream is RecoverUnary for streaming calls.
func RecoverStream(lg *zap.Logger) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = panicked(lg, info.FullMethod, cause)
			}
		}()
		return handler(srv, ss)
	}
}

// panicked is called while the panicking goroutine's stack still stands.
func panicked(lg *zap.Logger, method string, cause any) error {
	lg.Error("handler panicked", zap.String("method", method), zap.Any("panic", cause), zap.ByteString("stack", debug.Stack()))
	return errPanicked
}
