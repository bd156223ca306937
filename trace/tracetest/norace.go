//go:build !race

package tracetest

// RaceEnabled reports whether the race detector is on; see race.go.
const RaceEnabled = false
