//go:build race

package trace

// raceEnabled makes the tests with many records smaller: the race detector
// makes each of them ten times as slow.
const raceEnabled = true
