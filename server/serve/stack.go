package serve

import (
	"context"

	"google.golang.org/grpc"
)

// withGrownStack returns a copy of a service's description whose unary handlers begin with a
// stack that is large enough for them. A request has a goroutine of its own, whose stack is
// small at first. On the way down to the store it would be grown twice, and each time some
// thirty frames would be copied, which takes longer than reading a key. Streams live long
// and do not need it. Upstream has nothing like it.
func withGrownStack(d *grpc.ServiceDesc) *grpc.ServiceDesc {
	wrapped := *d
	wrapped.Methods = make([]grpc.MethodDesc, len(d.Methods))
	for i, m := range d.Methods {
		next := m.Handler
		m.Handler = func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
			GrowStack(len(m.MethodName))
			return next(srv, ctx, decode, chain)
		}
		wrapped.Methods[i] = m
	}
	return &wrapped
}

// stackRoom is the size in bytes of a frame that makes the runtime grow a stack of 2, 4 or
// 8 KiB, the usual sizes at the start, to 16 KiB.
const stackRoom = 8 << 10

// GrowStack makes the runtime grow the goroutine's stack to at least 16 KiB, if it is not that
// large already. Call it while the stack is nearly empty, and with n >= 0.
//
// The runtime makes room for a whole frame when a function is entered, so entering GrowStack
// suffices. The array must only look as if it were used, or the compiler would leave it out
// of the frame. With n >= 0 it is never used, and so never cleared.
//
//go:noinline
func GrowStack(n int) byte {
	if n < 0 {
		var room [stackRoom]byte
		return room[-n%stackRoom]
	}
	return 0
}
