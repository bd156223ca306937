//go:build !linux

package seam

func userTimeout(uintptr) (int, error) { return int(defaultKeepaliveTimeout.Milliseconds()), nil }
