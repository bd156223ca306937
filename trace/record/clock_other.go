//go:build !linux

package record

// bootID returns "": on this system nothing says whether two processes share a clock.
func bootID() string { return "" }

// monotonic returns the stamp, which means something in this process only.
func monotonic(stamp int64) int64 { return stamp }
