package path

import (
	"context"
	"sync/atomic"

	"glasskv/server/seam/hold"
	"glasskv/server/v3rpc"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// NewWatchStream returns a stream that observes how its watchers are created.
func (k *kv) NewWatchStream() mvcc.WatchStream {
	return watchStream{k.WatchableKV.NewWatchStream(), k.applying.holds}
}

// watchStream observes the store's side of a watch, on the goroutine of the
// receive loop.
type watchStream struct {
	mvcc.WatchStream
	holds *hold.Holds
}

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

// watchLoop observes the send loop of one watch stream. It takes two stamps for
// a message: one may go to each of thousands of watchers.
type watchLoop struct {
	v3rpc.WatchLoop
	ctx       context.Context // the stream's
	rec       *record.Record
	holds     *hold.Holds
	notified  *notified
	idle      int64 // when there was nothing more to send
	taken     int64 // when the message in hand was taken
	announced int64 // when the client was last told of a new watcher
}

func (o *Path) watchLoop(ctx context.Context, loop v3rpc.WatchLoop) v3rpc.WatchLoop {
	rec := record.FromContext(ctx)
	if rec == nil {
		return loop
	}
	return &watchLoop{
		WatchLoop: loop, ctx: ctx, rec: rec, holds: o.holds, notified: &o.notified, idle: record.Now(),
	}
}

// alreadyThere is the time in nanoseconds within which the loop takes events for
// which it did not have to wait.
const alreadyThere = 1000

func (l *watchLoop) Next() (v3rpc.WatchMessage, error) {
	m, err := l.WatchLoop.Next()
	now := record.Now()
	if l.taken = now; m.Control != nil || err != nil || now-l.idle > alreadyThere {
		l.rec.Repeat(stages.WatchWait, l.idle, now)
	} else {
		l.taken = l.idle // what it took to fetch it is part of the sending
	}
	if n := len(m.Response.Events); n > 0 {
		l.arrived(now, record.Detail{Events: int64(n), Revision: m.Response.Revision})
	}
	return m, err
}

// arrived stamps how long events were on their way from the write. Those of a
// watcher that was not there yet when the write came have been on their way since
// it was announced.
func (l *watchLoop) arrived(now int64, about record.Detail) {
	if wrote := l.notified.get(about.Revision); wrote != 0 {
		l.rec.RepeatOf(stages.WatchNotify, max(wrote, l.announced), now, about)
	}
}

func (l *watchLoop) Send(m v3rpc.WatchMessage) error {
	if l.holds.Reach(l.ctx, l.rec, stages.WatchSend) {
		l.taken = record.Now()
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
	l.rec.RepeatOf(stages.WatchSend, l.taken, l.idle, about)
	return err
}

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
