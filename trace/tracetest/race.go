//go:build race

package tracetest

// RaceEnabled makes the tests with many records smaller: the race detector
// makes each of them ten times as slow.
const RaceEnabled = true
