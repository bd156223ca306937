package main

import (
	"slices"

	"glasskv/scripts/overlay/truth"
	"glasskv/trace/record"
)

// ownCost is what the measurement adds to a difference by itself: the median time
// between the truth's stamp and one of ours that follows it at once.
func ownCost() int64 {
	var off []int64
	before := len(truth.Calls(truth.Nothing))
	for range 1000 {
		truth.Enter(truth.Nothing)
		off = append(off, record.Now())
		truth.Exit(truth.Nothing)
	}
	for i, call := range truth.Calls(truth.Nothing)[before:] {
		off[i] -= call.Enter
	}
	slices.Sort(off)
	return off[len(off)/2]
}
