package fault

import (
	"testing"

	"glasskv/server/control"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// With nothing switched on, a place of a fault costs a load and no memory.
func TestAFaultThatIsOffCostsNothing(t *testing.T) {
	f := New(record.NewRecorder(record.Options{}), func(control.Event) {}, 0)
	allocs := testing.AllocsPerRun(1000, func() {
		if f.IsOn(SlowHandler) || f.DelayBatch(SlowFsync, nil, 1, stages.WALSync, 1) != 1 || f.Accepted(nil, 1) != 1 {
			t.Fatal("something is on")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
