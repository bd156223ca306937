package path

import (
	"sync"
	"sync/atomic"
	"testing"
)

// A revision keeps its stamp until as many others have come as there are slots.
func TestNotifiedForgetsWhatIsOld(t *testing.T) {
	var n notifyStamps
	for rev := int64(1); rev <= notifySlots+1; rev++ {
		n.put(rev, 10*rev)
	}
	for rev, want := range map[int64]int64{1: 0, 2: 20, notifySlots + 1: 10 * (notifySlots + 1), notifySlots + 2: 0} {
		if got := n.get(rev); got != want {
			t.Errorf("revision %d has stamp %d, want %d", rev, got, want)
		}
	}
}

// Whoever reads while a slot is replaced gets the stamp of the revision that was
// asked for, or none. Revisions only grow.
func TestNotifiedNeverMixesRevisions(t *testing.T) {
	var n notifyStamps
	var latest atomic.Int64
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range int64(10_000) {
			rev := 1 + i*notifySlots // all in the same slot
			latest.Store(rev)
			n.put(rev, rev)
		}
	})
	for range 10_000 {
		now := latest.Load()
		for _, rev := range []int64{now, now + notifySlots} {
			if got := n.get(rev); got != 0 && got != rev {
				t.Fatalf("revision %d has stamp %d", rev, got)
			}
		}
	}
	writing.Wait()
}
