package path

import (
	"context"
	"sync/atomic"

	"go.etcd.io/etcd/server/v3/storage/mvcc"

	"glasskv/server/seam/hold"
	"glasskv/server/v3rpc"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// NewWatchStream returns a stream that observes how its watchers are created.
func (k *kv) NewWatchStream() mvcc.WatchStream {
	return watchStream{k.WatchableKV.NewWatchStream(), k.applying.holds}
}

// watchStream observes the store's side of a watch stream.
type watchStream struct {
	mvcc.WatchStream
	holds *hold.Holds
}

// Watch creates a watcher. The stream's receive loop calls it.
func (w watchStream) Watch(
	ctx context.Context, id mvcc.WatchID, key, end []byte, startRev int64, filters ...mvcc.FilterFunc,
) (mvcc.WatchID, error) {
	rec := record.FromContext(ctx)
	if rec == nil {
		return w.WatchStream.Watch(ctx, id, key, end, startRev, filters...)
	}
	w.holds.Reach(ctx, rec, stages.WatchCreate)
	begin := record.Now()
	id, err := w.WatchStream.Watch(ctx, id, key, end, startRev, filters...)
	rec.RepeatOf(stages.WatchCreate, begin, record.Now(), record.Detail{Revision: startRev})
	return id, err
}

// watchLoop observes the send loop of one watch stream. It takes two stamps for each
// message, and no more: a single write may send a message on thousands of streams. Only
// the send loop's goroutine touches it.
//
//	    Next returns      Send returns      Next returns
//	──────────┬─────────────────┬─────────────────┬───────
//	watch.wait│   watch.send    │   watch.wait    │
//	          fetched           idle              fetched
type watchLoop struct {
	v3rpc.WatchLoop
	ctx       context.Context // the stream's
	rec       *record.Record
	holds     *hold.Holds
	notified  *notifyStamps
	idle      int64 // the stamp since which there is nothing to send
	fetched   int64 // the stamp at which the loop got the message that it sends
	announced int64 // the stamp at which the client was last told of a new watcher
}

// WatchLoop wraps the send loop of each watch stream, for v3rpc.Seams.Watch. ctx is the
// stream's context. The loop of a stream that is not recorded is returned as it is.
func (p *Path) WatchLoop(ctx context.Context, loop v3rpc.WatchLoop) v3rpc.WatchLoop {
	rec := record.FromContext(ctx)
	if rec == nil {
		return loop
	}
	return &watchLoop{
		WatchLoop: loop, ctx: ctx, rec: rec, holds: p.holds, notified: &p.notified, idle: record.Now(),
	}
}

// noWait is a time in nanoseconds. If the loop has the next message within that time, it
// did not wait for it.
const noWait = 1000

func (l *watchLoop) Next() (v3rpc.WatchMessage, error) {
	m, err := l.WatchLoop.Next()
	now := record.Now()
	if l.fetched = now; m.Control != nil || err != nil || now-l.idle > noWait {
		l.rec.Repeat(stages.WatchWait, l.idle, now)
	} else {
		l.fetched = l.idle // watch.send includes the fetching
	}
	if n := len(m.Response.Events); n > 0 {
		l.stampNotify(now, record.Detail{Events: int64(n), Revision: m.Response.Revision})
	}
	return m, err
}

// stampNotify stamps watch.notify: how long events took from the write to this loop. If the
// watcher is newer than the write, the time counts from when the watcher was announced.
func (l *watchLoop) stampNotify(now int64, about record.Detail) {
	if wrote := l.notified.get(about.Revision); wrote != 0 {
		l.rec.RepeatOf(stages.WatchNotify, max(wrote, l.announced), now, about)
	}
}

func (l *watchLoop) Send(m v3rpc.WatchMessage) error {
	if l.holds.Reach(l.ctx, l.rec, stages.WatchSend) {
		l.fetched = record.Now()
	}
	err := l.WatchLoop.Send(m)
	l.idle = record.Now()
	about := record.Detail{Events: int64(len(m.Response.Events)), Revision: m.Response.Revision}
	if m.Control != nil {
		about.Revision = m.Control.GetHeader().GetRevision()
		if m.Control.Created {
			l.announced = l.idle
		}
	}
	l.rec.RepeatOf(stages.WatchSend, l.fetched, l.idle, about)
	return err
}

// notifyStamps keeps, for each of the last revisions, the stamp at which the store notified
// its watchers. One goroutine calls put, the apply goroutine. Any goroutine may call get.
// Neither of them waits.
type notifyStamps struct {
	slots [notifySlots]struct{ revision, stamp atomic.Int64 }
}

// notifySlots is a power of two, and larger than the number of writes in a quarter of a
// second. A watcher that is further behind reads its events from the backend. Then the
// time since the write says nothing about how long it takes to notify a watcher.
const notifySlots = 1 << 12

// put stores the stamp of a revision. It overwrites the stamp of the revision that is
// notifySlots lower.
func (n *notifyStamps) put(revision, stamp int64) {
	slot := &n.slots[revision%notifySlots]
	slot.revision.Store(0) // a get that reads the slot now returns zero
	slot.stamp.Store(stamp)
	slot.revision.Store(revision)
}

// get returns the stamp of a revision, or zero if it is not kept.
func (n *notifyStamps) get(revision int64) int64 {
	slot := &n.slots[revision%notifySlots]
	if slot.revision.Load() != revision {
		return 0
	}
	stamp := slot.stamp.Load()
	if slot.revision.Load() != revision {
		return 0 // put has replaced the stamp since the first check
	}
	return stamp
}
