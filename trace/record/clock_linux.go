package record

import (
	"math"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// bootID returns the ID of this run of the kernel. Processes with the same ID share one
// CLOCK_MONOTONIC. It is empty if the kernel does not give it.
var bootID = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// monotonic returns the time of a stamp on CLOCK_MONOTONIC, in nanoseconds.
func monotonic(stamp int64) int64 { return stamp + monotonicOffset() }

// monotonicOffset returns the time on CLOCK_MONOTONIC at which stamps are zero. It is
// measured once, between two readings of Now. Of several tries the one whose readings are
// closest together is the most precise.
var monotonicOffset = sync.OnceValue(func() (offset int64) {
	const tries = 16
	tightest := int64(math.MaxInt64)
	for range tries {
		var ts unix.Timespec
		before := Now()
		err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
		after := Now()
		if err == nil && after-before < tightest {
			tightest = after - before
			offset = ts.Nano() - (before + tightest/2)
		}
	}
	return offset
})
