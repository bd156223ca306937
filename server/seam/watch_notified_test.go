package seam

import (
	"sync"
	"testing"
)

// A revision keeps its stamp until as many others have come as there are slots.
func TestNotifiedForgetsWhatIsOld(t *testing.T) {
	var n notified
	for rev := int64(1); rev <= notifiedSlots+1; rev++ {
		n.put(rev, 10*rev)
	}
	for rev, want := range map[int64]int64{1: 0, 2: 20, notifiedSlots + 1: 10 * (notifiedSlots + 1), notifiedSlots + 2: 0} {
		if got := n.get(rev); got != want {
			t.Errorf("revision %d has stamp %d, want %d", rev, got, want)
		}
	}
}

// Whoever reads while a slot is replaced gets the stamp of the revision that was
// asked for, or none.
func TestNotifiedNeverMixesRevisions(t *testing.T) {
	var n notified
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range int64(10_000) {
			rev := 1 + i%2*notifiedSlots // both in the same slot
			n.put(rev, rev)
		}
	})
	for range 10_000 {
		for _, rev := range []int64{1, 1 + notifiedSlots} {
			if got := n.get(rev); got != 0 && got != rev {
				t.Fatalf("revision %d has stamp %d", rev, got)
			}
		}
	}
	writing.Wait()
}
