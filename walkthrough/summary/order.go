package summary

import (
	"cmp"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// inPathOrder puts our stages in the order of the catalogue, those of other
// programs after them, and the unexplained time at the end.
func inPathOrder(a, b Row) int {
	return cmp.Or(cmp.Compare(place(a.Stage), place(b.Stage)), cmp.Compare(a.Stage, b.Stage))
}

func place(name string) int {
	if name == trace.Unexplained {
		return int(stages.NumStages) + 1
	}
	if stage, known := stages.ByName(name); known {
		return int(stage)
	}
	return int(stages.NumStages)
}

// depth counts what a stage sits inside, as far as that is in the summary too.
func depth(name string, present map[string]bool) (levels int) {
	stage, known := stages.ByName(name)
	if !known {
		return 0
	}
	for {
		stage = stages.SpecOf(stage).Parent
		if stage == stages.None {
			return levels
		}
		if standsIn(stage, present) {
			levels++
		}
	}
}

// standsIn reports whether the stage, or one of those that it stands for in the
// catalogue, is present.
func standsIn(stage stages.Stage, present map[string]bool) bool {
	switch stage {
	case stages.GRPCHandler:
		return anyOf(present, stages.V3Put, stages.GRPCHandler)
	case stages.TxnPut:
		return anyOf(present, stages.TxnPut, stages.ApplyLease)
	}
	return present[stage.String()]
}

func anyOf(present map[string]bool, first, last stages.Stage) bool {
	for s := first; s <= last; s++ {
		if present[s.String()] {
			return true
		}
	}
	return false
}
