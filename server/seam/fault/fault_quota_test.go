package fault

import (
	"testing"

	"glasskv/server/seam/seamtest"
)

// A request that gives up while it waits for its turn leaves the queue; so does one
// whose turn has come.
func TestTheQuotaCountsRight(t *testing.T) {
	var q Quota
	for range 2 {
		if q.take(2) != nil {
			t.Fatal("one of two had to wait")
		}
	}
	third, fourth := q.take(2), q.take(2)
	if q.leave(third) {
		t.Error("who gave up had a place")
	}
	q.Give() // to the fourth
	seamtest.Await(t, "turn", fourth)
	if !q.leave(fourth) {
		t.Error("whose turn it was has no place")
	}
	q.Give()
	q.Give()
	if q.running != 0 || len(q.waiting) != 0 {
		t.Errorf("%d are running and %d wait, want none", q.running, len(q.waiting))
	}
}
