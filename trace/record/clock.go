package record

import "time"

// base is where stamps count from: one nanosecond before this package read the clock to
// initialize it, so that no stamp is zero. Zero means "not stamped".
var base = time.Now().Add(-1)

// Now returns the current time as a stamp: nanoseconds on the monotonic clock since this
// process began, always above zero. Stamps of different processes cannot be compared;
// Record.Origin is for that. Now reads the clock once and may be called by any goroutine.
func Now() int64 { return int64(time.Since(base)) }

// Wall returns the wall-clock time of a stamp of this process. Later changes of the wall
// clock are not followed.
func Wall(stamp int64) time.Time { return base.Add(time.Duration(stamp)) }
