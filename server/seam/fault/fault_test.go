package fault

import (
	"testing"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// A request that gives up while it waits for its turn leaves the queue; so does one
// whose turn has come.
func TestTheQuotaCountsRight(t *testing.T) {
	var q Quota
	for range 2 {
		if q.acquire(2) != nil {
			t.Fatal("one of two had to wait")
		}
	}
	third, fourth := q.acquire(2), q.acquire(2)
	if q.leave(third) {
		t.Error("who gave up had a place")
	}
	q.Release() // to the fourth
	seamtest.Await(t, "turn", fourth)
	if !q.leave(fourth) {
		t.Error("whose turn it was has no place")
	}
	q.Release()
	q.Release()
	if q.running != 0 || len(q.waiting) != 0 {
		t.Errorf("%d are running and %d wait, want none", q.running, len(q.waiting))
	}
}

// With nothing switched on, a place of a fault costs a load and no memory.
func TestAFaultThatIsOffCostsNothing(t *testing.T) {
	f := New(record.NewRecorder(record.Options{}), func(control.Event) {}, 0)
	allocs := testing.AllocsPerRun(1000, func() {
		if f.IsOn(SlowHandler) || f.DelayBatch(SlowFsync, nil, 1, stages.WALSync, 1) != 1 || f.DelayAccept(nil, 1) != 1 {
			t.Fatal("something is on")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
