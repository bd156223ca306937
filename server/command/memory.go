package command

import (
	"os"
	"runtime/debug"
)

// gcPercent is how far the heap may grow between two collections, in percent of
// what is alive. A server's live heap is small beside a machine's memory, and
// collecting it often took about a tenth of the writes per second on two cores.
const gcPercent = 400

// relaxGC applies gcPercent, unless the user chose with GOGC.
func relaxGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
