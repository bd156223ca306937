package path

import (
	"context"
	"sync/atomic"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/raft/v3/raftpb"
)

// applying observes the apply goroutine. It applies one entry at a time, so all that the
// store does while an entry is applied belongs to the request of that entry.
type applying struct {
	requests *requests
	notified *notifyStamps
	holds    *hold.Holds
	faults   *fault.Faults
	current  atomic.Pointer[record.Record] // the request whose entry is being applied

	jobsDone atomic.Int64  // how many of raftLoop.applyJobs are applied
	applied  atomic.Uint64 // entries up to this index are applied; it may lag while a job runs
}

// all observes one job of the apply goroutine: the committed entries of one Ready.
func (a *applying) all(next etcdserver.ApplyAllFunc) etcdserver.ApplyAllFunc {
	return func(entries []*raftpb.Entry) {
		now := record.Now()
		for _, e := range entries {
			rec := a.requests.ofEntry(e.GetData())
			rec.EndAt(stages.ApplySchedule, now)
			rec.BeginAt(stages.ApplyQueue, now)
		}
		next(entries)
		a.jobsDone.Add(1)
		if n := len(entries); n > 0 {
			a.applied.Store(entries[n-1].GetIndex())
		}
	}
}

// entry observes the applying of one entry, and makes its record current. apply.entry ends
// in waitTable.Trigger if the entry has a result, and here if it has none.
func (a *applying) entry(next etcdserver.ApplyEntryFunc) etcdserver.ApplyEntryFunc {
	return func(e *raftpb.Entry) {
		rec := a.requests.ofEntry(e.GetData())
		if rec == nil {
			if a.faults.IsOn(fault.StalledApply) {
				a.faults.Delay(context.Background(), fault.StalledApply, nil, stages.ApplyEntry, 0)
			}
			next(e)
			return
		}
		now := record.Now()
		rec.EndAt(stages.ApplyQueue, now)
		rec.EndAt(stages.ApplyWait, now)
		a.applied.Store(e.GetIndex() - 1)
		if a.faults.IsOn(fault.StalledApply) {
			now = a.faults.Delay(context.Background(), fault.StalledApply, rec, stages.ApplyEntry, now)
		}
		if a.holds.ReachShared(rec, stages.ApplyEntry) {
			now = record.Now()
		}
		rec.BeginAt(stages.ApplyEntry, now)
		a.current.Store(rec)
		next(e)
		a.current.Store(nil)
		if _, ended := rec.Stamps(stages.ApplyEntry); ended == 0 {
			rec.End(stages.ApplyEntry)
		}
	}
}

// apply observes the change that the current entry makes, if there is a stage for it.
func (a *applying) apply(next etcdserver.ApplyFunc) etcdserver.ApplyFunc {
	return func(ctx context.Context, r *pb.InternalRaftRequest) *etcdserver.Result {
		rec, stage := a.current.Load(), changeOf(r)
		if rec == nil || stage == stages.None {
			return next(ctx, r)
		}
		a.holds.ReachShared(rec, stage)
		rec.Begin(stage)
		result := next(ctx, r)
		rec.End(stage)
		return result
	}
}

// changeOf returns the stage in which a request changes the store, or stages.None if the
// request has no such stage.
func changeOf(r *pb.InternalRaftRequest) stages.Stage {
	switch {
	case r.GetPut() != nil:
		return stages.TxnPut
	case r.GetDeleteRange() != nil:
		return stages.TxnDeleteRange
	case r.GetTxn() != nil:
		return stages.TxnTxn
	case r.GetCompaction() != nil:
		return stages.TxnCompact
	case r.GetLeaseGrant() != nil, r.GetLeaseRevoke() != nil:
		return stages.ApplyLease
	}
	return stages.None
}
