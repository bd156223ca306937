package front

import (
	"context"

	"glasskv/server/seam/fault"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// The outer interceptors stand first in the server's chain and see all of it,
// the inner ones stand last and see the handler alone. The ends are stamped by
// defer, so that they stand in the record as well when a handler panics and
// something further out recovers.

func (o *Front) outerUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec := record.FromContext(ctx)
	o.holds.At(ctx, rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer rec.End(stages.Interceptors)
	return next(ctx, req)
}

func (o *Front) innerUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec, stage := record.FromContext(ctx), handlerOf(info.FullMethod)
	if o.faults.IsOn(fault.SlowHandler) {
		o.faults.Delay(ctx, fault.SlowHandler, rec, stage, 0)
	}
	o.holds.At(ctx, rec, stage)
	rec.Begin(stage)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	reply, err := next(ctx, req)
	panicking = false
	return reply, err
}

func (o *Front) outerStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec := record.FromContext(ss.Context())
	o.holds.At(ss.Context(), rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer endStream(rec)
	return next(srv, ss)
}

func (o *Front) innerStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec, stage := record.FromContext(ss.Context()), handlerOf(info.FullMethod)
	if o.faults.IsOn(fault.SlowHandler) {
		o.faults.Delay(ss.Context(), fault.SlowHandler, rec, stage, 0)
	}
	o.holds.At(ss.Context(), rec, stage)
	rec.Begin(stage)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	err := next(srv, ss)
	panicking = false
	return err
}

// endHandler ends a handler that returned or panicked. It leaves the panic alone,
// so that whoever recovers has the stack as it was.
func endHandler(rec *record.Record, stage stages.Stage, panicking bool) {
	if panicking {
		rec.Mark(record.MarkPanic)
	}
	rec.End(stage)
}

// handlerOf names the stage that a method's handler is.
func handlerOf(method string) stages.Stage {
	switch method {
	case pb.KV_Put_FullMethodName:
		return stages.V3Put
	case pb.KV_Range_FullMethodName:
		return stages.V3Range
	case pb.KV_RangeStream_FullMethodName:
		return stages.V3RangeStream
	case pb.KV_DeleteRange_FullMethodName:
		return stages.V3DeleteRange
	case pb.KV_Txn_FullMethodName:
		return stages.V3Txn
	case pb.KV_Compact_FullMethodName:
		return stages.V3Compact
	case pb.Lease_LeaseGrant_FullMethodName:
		return stages.V3LeaseGrant
	case pb.Lease_LeaseRevoke_FullMethodName:
		return stages.V3LeaseRevoke
	case pb.Lease_LeaseKeepAlive_FullMethodName:
		return stages.V3LeaseKeepAlive
	case pb.Lease_LeaseTimeToLive_FullMethodName:
		return stages.V3LeaseTimeToLive
	case pb.Lease_LeaseLeases_FullMethodName:
		return stages.V3LeaseLeases
	case pb.Watch_Watch_FullMethodName:
		return stages.V3Watch
	}
	return handlerBeside(method)
}

// endStream ends a streaming call's chain. What grpc-go does next is to write
// the status.
func endStream(rec *record.Record) {
	now := record.Now()
	rec.EndAt(stages.Interceptors, now)
	rec.BeginAt(stages.WriteStatus, now)
}
