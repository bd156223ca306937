package record

import "time"

// base anchors the process's stamps. A stamp counts from one nanosecond before
// it, so that no stamp is ever zero: zero means "not stamped".
var base = time.Now().Add(-1)

// Now returns the time of a stamp: nanoseconds since the process began, from
// the monotonic clock. It is always above zero. It costs one reading of the
// clock and may be called by anyone.
func Now() int64 { return int64(time.Since(base)) }

// Wall turns a stamp of this process into a point in wall-clock time.
func Wall(stamp int64) time.Time { return base.Add(time.Duration(stamp)) }
