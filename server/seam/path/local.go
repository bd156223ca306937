package path

import (
	"context"
	"io"

	"glasskv/server/etcdserver"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// maintenanceSeams observe the work on the member's files, on the handler's
// goroutine.
func (o *Path) maintenanceSeams() etcdserver.MaintenanceSeams {
	return etcdserver.MaintenanceSeams{
		Hash: o.hashBackend, HashByRev: o.hashKeys, Defragment: o.defragment, Snapshot: o.snapshot,
	}
}

func (o *Path) hashBackend(next etcdserver.HashFunc) etcdserver.HashFunc {
	return func(ctx context.Context) (uint32, int64, error) {
		rec := record.FromContext(ctx)
		o.holds.Reach(ctx, rec, stages.BackendHash)
		rec.Begin(stages.BackendHash)
		hash, rev, err := next(ctx)
		rec.End(stages.BackendHash)
		return hash, rev, err
	}
}

func (o *Path) hashKeys(next etcdserver.HashByRevFunc) etcdserver.HashByRevFunc {
	return func(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
		rec := record.FromContext(ctx)
		o.holds.Reach(ctx, rec, stages.MVCCHashKV)
		rec.Begin(stages.MVCCHashKV)
		hash, current, err := next(ctx, rev)
		rec.End(stages.MVCCHashKV)
		return hash, current, err
	}
}

func (o *Path) defragment(next etcdserver.DefragmentFunc) etcdserver.DefragmentFunc {
	return func(ctx context.Context) error {
		rec := record.FromContext(ctx)
		o.holds.Reach(ctx, rec, stages.BackendDefrag)
		rec.Begin(stages.BackendDefrag)
		err := next(ctx)
		rec.End(stages.BackendDefrag)
		return err
	}
}

func (o *Path) snapshot(next etcdserver.SnapshotFunc) etcdserver.SnapshotFunc {
	return func(ctx context.Context) backend.Snapshot {
		o.holds.Reach(ctx, record.FromContext(ctx), stages.BackendSnapshot)
		snap := next(ctx)
		if rec := record.FromContext(ctx); rec != nil {
			return &observedSnapshot{snap, rec}
		}
		return snap
	}
}

// observedSnapshot observes the copying of the file, which hands each piece to
// the stream as it is read.
type observedSnapshot struct {
	backend.Snapshot
	rec *record.Record
}

func (s *observedSnapshot) WriteTo(w io.Writer) (int64, error) {
	s.rec.Begin(stages.BackendSnapshot)
	n, err := s.Snapshot.WriteTo(w)
	s.rec.End(stages.BackendSnapshot)
	return n, err
}

// leaseWaitApplied, leaseLookup and leaseRenew observe what is done with a lease
// outside of the log, on the goroutine of its request or stream.

func (o *Path) leaseWaitApplied(next etcdserver.LeaseWaitAppliedFunc) etcdserver.LeaseWaitAppliedFunc {
	return func(ctx context.Context) error {
		o.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseWaitApplied)
		begin := record.Now()
		err := next(ctx)
		passed(ctx, stages.LeaseWaitApplied, begin)
		return err
	}
}

func (o *Path) leaseLookup(next etcdserver.LeaseLookupFunc) etcdserver.LeaseLookupFunc {
	return func(ctx context.Context, id lease.LeaseID) *lease.Lease {
		o.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseLookup)
		begin := record.Now()
		le := next(ctx, id)
		passed(ctx, stages.LeaseLookup, begin)
		return le
	}
}

func (o *Path) leaseRenew(next etcdserver.LeaseRenewFunc) etcdserver.LeaseRenewFunc {
	return func(ctx context.Context, id lease.LeaseID) (int64, error) {
		o.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseRenew)
		begin := record.Now()
		ttl, err := next(ctx, id)
		passed(ctx, stages.LeaseRenew, begin)
		return ttl, err
	}
}

// passed stamps a stage that ends now. A keep-alive stream passes it once for
// each message.
func passed(ctx context.Context, stage stages.Stage, begin int64) {
	rec, now := record.FromContext(ctx), record.Now()
	if rec.Has(record.MarkStreaming) {
		rec.Repeat(stage, begin, now)
		return
	}
	rec.BeginAt(stage, begin)
	rec.EndAt(stage, now)
}
