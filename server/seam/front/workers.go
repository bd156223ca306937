package front

import (
	"runtime"
	"strings"

	"glasskv/trace/record"
)

// serverWorker is the function that runs at the bottom of a stream worker's
// stack.
const serverWorker = "google.golang.org/grpc.(*Server).serverWorker"

// stackDepth is more than lies between handleStream's first look at the context
// and the bottom of its goroutine.
const stackDepth = 32

// whoHandles notes on whose goroutine handleStream runs: a stream worker's, or
// one of its own because all workers were busy. grpc-go tells nobody, so the
// stack is looked at; that takes a microsecond, and is done only on a server that
// has workers.
func (s *stream) whoHandles() {
	var pcs [stackDepth]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, serverWorker) {
			s.rec.Mark(record.MarkWorker)
			return
		}
		if !more {
			s.rec.Mark(record.MarkSpilled)
			return
		}
	}
}
