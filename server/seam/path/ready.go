package path

import (
	"sync/atomic"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// raftLoop observes the raft loop, which handles one Ready at a time. Only the raft loop's
// own goroutine touches it, except for applyJobs and tail.
type raftLoop struct {
	requests *requests
	holds    *hold.Holds
	faults   *fault.Faults
	fsync    *fsyncMeter

	// Of the Ready that is being handled:
	batch   *record.Batch    // the save of its new entries; nil if it has none
	members []*record.Record // the recorded requests of these entries
	written int64            // the stamp at which the storage returned from the save; zero before
	saved   int64            // the same, or later if the fault slow-fsync struck; zero before
	heldFor int64            // nanoseconds for which the loop was held

	last struct{ begin, end int64 } // the stamps between which the Ready before was handled

	applyJobs atomic.Int64 // Readys with committed entries
	tail      logTail
}

// ready stamps the arrival of a Ready: its new entries are to be saved, and its committed
// entries set out for the apply goroutine.
func (l *raftLoop) ready(next etcdserver.ReadyFunc) etcdserver.ReadyFunc {
	return func(rd raft.Ready) error {
		now := record.Now()
		begin := now
		l.openBatch(rd.Entries, now)
		now = l.reach(stages.RaftHandleReady, now)
		for _, rec := range l.members {
			rec.BeginAt(stages.RaftHandleReady, now)
		}
		if len(rd.CommittedEntries) > 0 {
			l.applyJobs.Add(1)
		}
		for i, e := range rd.CommittedEntries {
			rec := l.requests.ofEntry(e.GetData())
			rec.EndAt(stages.RaftCommit, now)
			rec.BeginAt(stages.ApplyWait, now)
			rec.BeginAt(stages.ApplySchedule, now)
			rec.SetBehind(i)
		}
		err := next(rd)
		l.endBatch()
		l.last.begin, l.last.end = begin+l.heldFor, record.Now()
		l.forgetBatch()
		return err
	}
}

// reach holds the batch if one of its requests is to be held at a stage. It returns the
// stamp at which the stage begins: now, unless the batch was held.
func (l *raftLoop) reach(s stages.Stage, now int64) int64 {
	if !l.holds.ReachBatch(l.members, s) {
		return now
	}
	later := record.Now()
	l.heldFor += later - now
	return later
}

// delay makes the raft loop, and with it all requests of the batch, wait if a fault is on.
// It returns the stamp at which the loop goes on: now, unless the fault struck.
func (l *raftLoop) delay(k fault.Kind, at stages.Stage, now int64) int64 {
	if !l.faults.IsOn(k) {
		return now
	}
	return l.faults.DelayBatch(k, l.members, l.batch.Members(), at, now)
}

// openBatch makes a batch of the new entries.
func (l *raftLoop) openBatch(entries []*raftpb.Entry, now int64) {
	if len(entries) == 0 {
		return
	}
	l.batch = record.NewBatch(stages.WALSave, len(entries))
	l.batch.BusyBefore(l.last.begin, l.last.end)
	for _, e := range entries {
		rec := l.requests.ofEntry(e.GetData())
		l.batch.Add(rec)
		if rec == nil {
			continue
		}
		rec.EndAt(stages.RaftWaitReady, now)
		rec.SetSave(l.batch)
		l.members = append(l.members, rec)
	}
}

// endBatch stamps wal.sync and the end of wal.save. It is called after Advance, so that
// raft does not wait for the reading of the meter, and before the next Ready, which is the
// first that can commit the entries.
//
// fdatasync is the last step of a Save, so wal.sync ends when the storage returned. That is
// not so if Save also cut the segment. But then it called fdatasync more than once, and the
// stamps are marked as inferred.
func (l *raftLoop) endBatch() {
	if l.batch == nil || l.saved == 0 {
		return
	}
	if ns, once := l.fsync.read(); ns > 0 {
		begin, _ := l.batch.Stamps(stages.WALSave)
		l.batch.SyncInferred.Store(!once)
		l.batch.SecondStageAt(max(begin, l.written-ns), l.written)
	}
	l.batch.EndAt(l.saved)
}

// forgetBatch drops the records, so that the loop does not keep them in memory.
func (l *raftLoop) forgetBatch() {
	clear(l.members)
	l.batch, l.members, l.written, l.saved, l.heldFor = nil, l.members[:0], 0, 0, 0
}
