package serve

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"unsafe"

	"google.golang.org/grpc"
)

// GrowStack relies on how the compiler lays out frames and on when the runtime
// grows a stack. Should either change, requests stay correct and become slower,
// and nothing but this test would tell.
//
// It runs in a process of its own, in which every goroutine begins with a stack of
// 2 KiB: the runtime otherwise adapts that size to what it has seen.
func TestGrowStackGrowsTheStackOnceAndForAll(t *testing.T) {
	const fixed = "adaptivestackstart=0"
	if os.Getenv("GODEBUG") != fixed {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), "GODEBUG="+fixed)
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	deep := func() { descend(7 << 10) } // about what a request needs, and more than any goroutine begins with
	for name, run := range map[string]func() (grown, deepGrown bool){
		"GrowStack": func() (bool, bool) { return moves(func() { GrowStack(0) }), moves(deep) },
		"a unary handler": func() (grown, deepGrown bool) {
			handler := func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
				deepGrown = moves(deep)
				return nil, nil
			}
			d := withGrownStack(&grpc.ServiceDesc{Methods: []grpc.MethodDesc{{MethodName: "Put", Handler: handler}}})
			grown = moves(func() { _, _ = d.Methods[0].Handler(nil, context.Background(), nil, nil) })
			return grown, deepGrown
		},
	} {
		grown, deepGrown := onAFreshStack(run)
		if !grown {
			t.Errorf("%s: the stack was not grown at once", name)
		}
		if deepGrown {
			t.Errorf("%s: the calls below it had to grow the stack again", name)
		}
	}
	if _, deepGrown := onAFreshStack(func() (bool, bool) { return false, moves(deep) }); !deepGrown {
		t.Error("a fresh stack has room for the deep calls: this test shows nothing")
	}
}

// onAFreshStack calls run in a goroutine of its own.
func onAFreshStack(run func() (grown, deepGrown bool)) (grown, deepGrown bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		grown, deepGrown = run()
	}()
	<-done
	return grown, deepGrown
}

// moves reports whether the goroutine's stack is elsewhere after call than before:
// a stack grows by being copied to a larger piece of memory.
func moves(call func()) bool {
	var onStack byte
	before := uintptr(unsafe.Pointer(&onStack))
	call()
	return uintptr(unsafe.Pointer(&onStack)) != before
}

// descend makes nested calls whose frames take at least bytes together.
//
//go:noinline
func descend(bytes int) byte {
	var frame [256]byte
	frame[bytes&255] = 1
	if bytes > 0 {
		frame[0] += descend(bytes - len(frame))
	}
	return frame[0]
}
