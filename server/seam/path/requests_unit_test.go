package path

import (
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Two proposals under way at once want the same slot. The later one has it; the
// earlier one is as one that is not recorded, and does not disturb the other.
func TestARequestMayLoseItsSlotToALaterOne(t *testing.T) {
	const id = 77
	first, second, table := seamtest.Record(t), seamtest.Record(t), &requests{}
	table.put(id, first)
	table.put(id+requestSlots, second)
	if table.get(id) != nil || table.of(seamtest.Entry(t, id)) != nil {
		t.Error("the earlier one is found")
	}
	table.drop(id)
	if table.get(id+requestSlots) != second {
		t.Error("the later one went with the earlier one")
	}
	table.drop(id + requestSlots)
	if n := table.len(); n != 0 {
		t.Errorf("%d requests are left", n)
	}
	for _, rec := range []*record.Record{nil, first} {
		rec.EndAt(stages.RaftCommit, 1) // what the raft loop does with what it finds
	}
}
