package serve

import (
	"os"
	"runtime/debug"
)

// gcPercent is how far the heap may grow between two collections, in percent of
// what is alive. A server's live heap is small beside a machine's memory, and
// collecting it often took about a tenth of the writes per second on two cores.
const gcPercent = 400

// RelaxGC has the process collect its garbage as seldom as `glasskv serve` does,
// unless the user has set GOGC. A program that starts a node to show or to measure it
// calls RelaxGC before, so that requests take as long as they do in serve.
func RelaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
