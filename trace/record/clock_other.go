//go:build !linux

package record

// bootID is empty: on this system nothing says that two processes share a clock.
func bootID() string { return "" }

// monotonic returns the stamp itself, which means something in this process only.
func monotonic(stamp int64) int64 { return stamp }
