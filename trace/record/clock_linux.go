package record

import (
	"math"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// bootID names this run of the machine's kernel: two processes that say the same
// share one CLOCK_MONOTONIC. It is empty when that cannot be known.
var bootID = sync.OnceValue(func() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
})

// monotonic turns a stamp of this process into CLOCK_MONOTONIC, in nanoseconds.
func monotonic(stamp int64) int64 { return stamp + monotonicOffset() }

// monotonicOffset is measured once: of several tries the one that took least
// time is off by least.
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
