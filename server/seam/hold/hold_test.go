package hold

import (
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Without a breakpoint, Reach is one load: it asks for no surroundings, which are nil here,
// and allocates nothing.
func TestAStageThatIsNotArmedCostsNothing(t *testing.T) {
	rec, ctx := seamtest.Record(t), seamtest.Limit(t)
	batch := []*record.Record{rec}
	for _, h := range []*Holds{nil, New(nil, 0)} {
		allocs := testing.AllocsPerRun(1000, func() {
			if h.Reach(ctx, rec, stages.RaftPropose) || h.ReachShared(rec, stages.ApplyEntry) || h.ReachBatch(batch, stages.WALSave) || h.Active() {
				t.Fatal("held without a breakpoint")
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations", allocs)
		}
	}
}
