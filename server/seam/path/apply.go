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

// applying observes the apply goroutine. One entry is applied at a time, so the
// request that owns the entry owns everything that the store does meanwhile.
type applying struct {
	requests *requests
	notified *notified
	holds    *hold.Holds
	faults   *fault.Faults
	current  atomic.Pointer[record.Record] // the request whose entry is being applied

	jobs    atomic.Int64  // batches that are applied
	applied atomic.Uint64 // index of the last entry that is applied, or nearly
}

func (a *applying) all(next etcdserver.ApplyAllFunc) etcdserver.ApplyAllFunc {
	return func(entries []*raftpb.Entry) {
		now := record.Now()
		for _, e := range entries {
			rec := a.requests.of(e.GetData())
			rec.EndAt(stages.ApplySchedule, now)
			rec.BeginAt(stages.ApplyQueue, now)
		}
		next(entries)
		a.jobs.Add(1)
		if n := len(entries); n > 0 {
			a.applied.Store(entries[n-1].GetIndex())
		}
	}
}

func (a *applying) entry(next etcdserver.ApplyEntryFunc) etcdserver.ApplyEntryFunc {
	return func(e *raftpb.Entry) {
		rec := a.requests.of(e.GetData())
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
		if _, handedOver := rec.Stamps(stages.ApplyEntry); handedOver == 0 {
			rec.End(stages.ApplyEntry)
		}
	}
}

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

// changeOf names the stage that a request is while it changes the store.
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
