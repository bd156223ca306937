package path

import "sync/atomic"

// notified remembers when the store told its watchers of each of the last
// revisions. The apply goroutine writes it, any number of send loops read it, and
// nobody waits: a revision has a slot of its own until as many others have come.
type notified struct {
	slots [notifiedSlots]struct{ revision, stamp atomic.Int64 }
}

// notifiedSlots is a power of two, and more than the writes of a quarter of a
// second. Events that are older have been read from the backend, and then how
// long they were on their way says nothing.
const notifiedSlots = 1 << 12

// put is called by one goroutine.
func (n *notified) put(revision, stamp int64) {
	slot := &n.slots[revision%notifiedSlots]
	slot.revision.Store(0) // readers of the one that was here turn away
	slot.stamp.Store(stamp)
	slot.revision.Store(revision)
}

// get returns the stamp of a revision, or zero.
func (n *notified) get(revision int64) int64 {
	slot := &n.slots[revision%notifiedSlots]
	if slot.revision.Load() != revision {
		return 0
	}
	stamp := slot.stamp.Load()
	if slot.revision.Load() != revision {
		return 0 // it has been replaced meanwhile
	}
	return stamp
}
