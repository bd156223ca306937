package command

import (
	"os"
	"runtime/debug"
)

// gcPercent is how far the heap may grow between two collections, in percent of
// what is alive. A server's live heap is small beside a machine's memory, and
// collecting it often took about a tenth of the writes per second on two cores.
const gcPercent = 400

// RelaxGC has the process collect its garbage as seldom as `glasskv serve` does,
// unless the user chose with GOGC. Whoever starts a server inside their own process
// calls it first, so that requests meet what they would meet in serve.
func RelaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
