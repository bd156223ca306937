package path

import (
	"context"

	"glasskv/server/etcdserver"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/server/v3/lease"
)

// leaseWaitApplied, leaseLookup and leaseRenew observe what is done with a lease
// outside of the log, on the goroutine of its request or stream.

func (o *Path) leaseWaitApplied(next etcdserver.LeaseWaitAppliedFunc) etcdserver.LeaseWaitAppliedFunc {
	return func(ctx context.Context) error {
		o.holds.At(ctx, record.FromContext(ctx), stages.LeaseWaitApplied)
		begin := record.Now()
		err := next(ctx)
		passed(ctx, stages.LeaseWaitApplied, begin)
		return err
	}
}

func (o *Path) leaseLookup(next etcdserver.LeaseLookupFunc) etcdserver.LeaseLookupFunc {
	return func(ctx context.Context, id lease.LeaseID) *lease.Lease {
		o.holds.At(ctx, record.FromContext(ctx), stages.LeaseLookup)
		begin := record.Now()
		le := next(ctx, id)
		passed(ctx, stages.LeaseLookup, begin)
		return le
	}
}

func (o *Path) leaseRenew(next etcdserver.LeaseRenewFunc) etcdserver.LeaseRenewFunc {
	return func(ctx context.Context, id lease.LeaseID) (int64, error) {
		o.holds.At(ctx, record.FromContext(ctx), stages.LeaseRenew)
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
