package serve

import (
	"context"

	"google.golang.org/grpc"
)

// roomy returns a copy of a service's description whose unary handlers begin
// with a stack that is large enough for them. A request has a goroutine of its
// own, which begins with a small stack; on its way down to the store it would
// outgrow that twice, each time with thirty frames to be moved, and that takes
// longer than reading a key. Streams live long and do not need it. It stands for
// nothing upstream.
func roomy(d *grpc.ServiceDesc) *grpc.ServiceDesc {
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

// stackRoom is what a frame must take so that a stack of the usual sizes, 2 to
// 8 KiB, becomes one of 16 KiB.
const stackRoom = 8 << 10

// GrowStack has the runtime grow the goroutine's stack now, while there is next
// to nothing on it. What a frame takes is decided when it is entered, so the array
// need not be reached, and is not cleared then: no n is below zero. But it must
// look as if it could be used, or the compiler leaves it out. It may be called
// again by who cannot know whether it was.
//
//go:noinline
func GrowStack(n int) byte {
	if n < 0 {
		var room [stackRoom]byte
		return room[-n%stackRoom]
	}
	return 0
}
