//go:build !linux

package record

// BootID is empty: on this system nothing says that two processes share a clock.
func BootID() string { return "" }

// Monotonic returns the stamp itself, which means something in this process only.
func Monotonic(stamp int64) int64 { return stamp }
