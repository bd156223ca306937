package seam

import (
	"context"
	"sync/atomic"

	"glasskv/server/etcdserver"
	"glasskv/trace"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

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

// put is called by one goroutine. Of several stamps for a revision the first
// counts.
func (n *notified) put(revision, stamp int64) {
	slot := &n.slots[revision%notifiedSlots]
	if slot.revision.Load() == revision {
		return
	}
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

// apply observes a change, and the revision that it brings about.
func (o *Observer) apply(next etcdserver.ApplyFunc) etcdserver.ApplyFunc {
	return o.notified.revoked(o.applying.apply(next))
}

// revoked stamps the revision at which a lease's keys are deleted. The lessor
// writes to the store behind the wrapper that stamps every other write.
func (n *notified) revoked(next etcdserver.ApplyFunc) etcdserver.ApplyFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) *etcdserver.Result {
		if r.GetLeaseRevoke() == nil {
			return next(ctx, r)
		}
		begin := trace.Now()
		result := next(ctx, r)
		if resp, ok := result.Resp.(*pb.LeaseRevokeResponse); ok {
			n.put(resp.GetHeader().GetRevision(), begin)
		}
		return result
	}
}
