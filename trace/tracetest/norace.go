//go:build !race

package tracetest

const RaceEnabled = false
