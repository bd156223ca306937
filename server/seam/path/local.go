package path

import (
	"context"
	"io"

	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"

	"glasskv/server/etcdserver"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// The methods of this file observe what a member does without the log, on the goroutine of
// the request or stream.

func (p *Path) leaseWaitApplied(next etcdserver.LeaseWaitAppliedFunc) etcdserver.LeaseWaitAppliedFunc {
	return func(ctx context.Context) error {
		p.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseWaitApplied)
		begin := record.Now()
		err := next(ctx)
		stampSince(ctx, stages.LeaseWaitApplied, begin)
		return err
	}
}

func (p *Path) leaseLookup(next etcdserver.LeaseLookupFunc) etcdserver.LeaseLookupFunc {
	return func(ctx context.Context, id lease.LeaseID) *lease.Lease {
		p.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseLookup)
		begin := record.Now()
		le := next(ctx, id)
		stampSince(ctx, stages.LeaseLookup, begin)
		return le
	}
}

func (p *Path) leaseRenew(next etcdserver.LeaseRenewFunc) etcdserver.LeaseRenewFunc {
	return func(ctx context.Context, id lease.LeaseID) (int64, error) {
		p.holds.Reach(ctx, record.FromContext(ctx), stages.LeaseRenew)
		begin := record.Now()
		ttl, err := next(ctx, id)
		stampSince(ctx, stages.LeaseRenew, begin)
		return ttl, err
	}
}

// maintenanceSeams returns the wrappers of the work on the member's files.
func (p *Path) maintenanceSeams() etcdserver.MaintenanceSeams {
	return etcdserver.MaintenanceSeams{
		Hash: p.hashBackend, HashByRev: p.hashKeys, Defragment: p.defragment, Snapshot: p.snapshot,
	}
}

func (p *Path) hashBackend(next etcdserver.HashFunc) etcdserver.HashFunc {
	return func(ctx context.Context) (uint32, int64, error) {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stages.BackendHash)
		rec.Begin(stages.BackendHash)
		hash, rev, err := next(ctx)
		rec.End(stages.BackendHash)
		return hash, rev, err
	}
}

func (p *Path) hashKeys(next etcdserver.HashByRevFunc) etcdserver.HashByRevFunc {
	return func(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error) {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stages.MVCCHashKV)
		rec.Begin(stages.MVCCHashKV)
		hash, current, err := next(ctx, rev)
		rec.End(stages.MVCCHashKV)
		return hash, current, err
	}
}

func (p *Path) defragment(next etcdserver.DefragmentFunc) etcdserver.DefragmentFunc {
	return func(ctx context.Context) error {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stages.BackendDefrag)
		rec.Begin(stages.BackendDefrag)
		err := next(ctx)
		rec.End(stages.BackendDefrag)
		return err
	}
}

func (p *Path) snapshot(next etcdserver.SnapshotFunc) etcdserver.SnapshotFunc {
	return func(ctx context.Context) backend.Snapshot {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stages.BackendSnapshot)
		snap := next(ctx)
		if rec == nil {
			return snap
		}
		return &observedSnapshot{snap, rec}
	}
}

// observedSnapshot stamps backend.snapshot while the snapshot is written to the stream.
type observedSnapshot struct {
	backend.Snapshot
	rec *record.Record
}

// WriteTo reads the backend's file piece by piece, and writes each piece to w.
func (s *observedSnapshot) WriteTo(w io.Writer) (int64, error) {
	s.rec.Begin(stages.BackendSnapshot)
	n, err := s.Snapshot.WriteTo(w)
	s.rec.End(stages.BackendSnapshot)
	return n, err
}
