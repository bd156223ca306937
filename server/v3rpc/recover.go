package v3rpc

import (
	"context"
	"runtime/debug"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errPanicked is what a client gets when the handler panicked. The panic's value and
// stack are for the operator and appear in the log only.
var errPanicked = status.Error(codes.Internal, "the handler panicked; the server's log has the stack")

// RecoverUnary returns an interceptor that recovers a handler's panic: the client gets
// Internal, and lg the panic's value and stack. Without it the panic would end the whole
// process, as it does in etcd, and with it all other requests.
func RecoverUnary(lg *zap.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		defer func() {
			if cause := recover(); cause != nil {
				reply, err = nil, logPanic(lg, info.FullMethod, cause)
			}
		}()
		return handler(ctx, req)
	}
}

// RecoverStream does for streaming calls what RecoverUnary does for unary calls.
func RecoverStream(lg *zap.Logger) grpc.StreamServerInterceptor {
	return func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = logPanic(lg, info.FullMethod, cause)
			}
		}()
		return handler(srv, ss)
	}
}

// logPanic logs a panic and returns errPanicked. It must be called by the deferred
// function that recovers: only there does debug.Stack show where the handler panicked.
func logPanic(lg *zap.Logger, method string, cause any) error {
	lg.Error("handler panicked", zap.String("method", method), zap.Any("panic", cause), zap.ByteString("stack", debug.Stack()))
	return errPanicked
}
