package path

import (
	"sync/atomic"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// raftLoop is what the raft loop's own goroutine knows while it works on one
// Ready. No other goroutine touches it.
type raftLoop struct {
	requests *requests
	holds    *hold.Holds
	faults   *fault.Faults
	fsync    *fsyncMeter
	batch    *record.Batch              // the save that this Ready brings, or nil
	members  []*record.Record           // the requests in it that are recorded
	written  int64                      // when the log itself had saved the batch
	saved    int64                      // when the batch's save returned; zero: not yet. Later than written only where a fault struck
	last     struct{ begin, end int64 } // when the loop was busy with the Ready before
	stood    int64                      // how long it stood still in this Ready, because a request was held

	handedOver atomic.Int64 // Readys with something to apply
	tail       tail
}

// ready observes a Ready's arrival: new entries leave raft's log for the disk,
// committed ones set out for apply.
func (l *raftLoop) ready(next etcdserver.ReadyFunc) etcdserver.ReadyFunc {
	return func(rd raft.Ready) error {
		now := record.Now()
		begin := now
		l.open(rd.Entries, now)
		now = l.hold(stages.RaftHandleReady, now)
		for _, rec := range l.members {
			rec.BeginAt(stages.RaftHandleReady, now)
		}
		if len(rd.CommittedEntries) > 0 {
			l.handedOver.Add(1)
		}
		for i, e := range rd.CommittedEntries {
			rec := l.requests.of(e.GetData())
			rec.EndAt(stages.RaftCommit, now)
			rec.BeginAt(stages.ApplyWait, now)
			rec.BeginAt(stages.ApplySchedule, now)
			rec.SetBehind(i)
		}
		err := next(rd)
		l.synced()
		l.last.begin, l.last.end = begin+l.stood, record.Now()
		l.close()
		return err
	}
}

// hold stands still before a stage if one of the batch is to be held there. It
// returns when the stage begins: now, unless somebody was held.
func (l *raftLoop) hold(s stages.Stage, now int64) int64 {
	if !l.holds.ReachBatch(l.members, s) {
		return now
	}
	later := record.Now()
	l.stood += later - now
	return later
}

// open joins the records of the new entries in one batch.
func (l *raftLoop) open(entries []*raftpb.Entry, now int64) {
	if len(entries) == 0 {
		return
	}
	l.batch = record.NewBatch(stages.WALSave, len(entries))
	l.batch.BusyBefore(l.last.begin, l.last.end)
	for _, e := range entries {
		rec := l.requests.of(e.GetData())
		l.batch.Add(rec)
		if rec == nil {
			continue
		}
		rec.EndAt(stages.RaftWaitReady, now)
		rec.SetSave(l.batch)
		l.members = append(l.members, rec)
	}
}

// synced works out when the batch was in fdatasync. It comes after Advance, so
// that raft need not wait for the reading, and before the next Ready, which is
// the first that can commit the batch. The sync is the last thing that Save does,
// unless it also cut the segment, and then there was more than one.
func (l *raftLoop) synced() {
	if l.batch == nil || l.saved == 0 {
		return
	}
	if took, once := l.fsync.since(); took > 0 {
		begin, _ := l.batch.Stamps(stages.WALSave)
		l.batch.SyncInferred.Store(!once)
		l.batch.SecondStageAt(max(begin, l.written-took), l.written)
	}
	l.batch.EndAt(l.saved)
}

// close lets go of the records, so that the loop does not keep them alive.
func (l *raftLoop) close() {
	clear(l.members)
	l.batch, l.members, l.written, l.saved, l.stood = nil, l.members[:0], 0, 0, 0
}

// delay makes the raft loop wait if the fault is on, and with it all requests of its
// batch. It returns when the loop goes on: now, unless the fault struck.
func (l *raftLoop) delay(k fault.Kind, at stages.Stage, now int64) int64 {
	if !l.faults.IsOn(k) {
		return now
	}
	return l.faults.DelayBatch(k, l.members, l.batch.Members(), at, now)
}
