package seam

import (
	"context"

	"glasskv/trace"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// The outer interceptors stand first in the server's chain and see all of it,
// the inner ones stand last and see the handler alone. The ends are stamped by
// defer, so that they stand in the record as well when a handler panics and
// something further out recovers.

func (o *Observer) outerUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec := trace.FromContext(ctx)
	o.holds.at(ctx, rec, trace.Interceptors)
	rec.Begin(trace.Interceptors)
	defer rec.End(trace.Interceptors)
	return next(ctx, req)
}

func (o *Observer) innerUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec, stage := trace.FromContext(ctx), handlerOf(info.FullMethod)
	if o.faults.isOn(slowHandler) {
		o.faults.delay(ctx, slowHandler, rec, stage, 0)
	}
	o.holds.at(ctx, rec, stage)
	rec.Begin(stage)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	reply, err := next(ctx, req)
	panicking = false
	return reply, err
}

func (o *Observer) outerStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec := trace.FromContext(ss.Context())
	o.holds.at(ss.Context(), rec, trace.Interceptors)
	rec.Begin(trace.Interceptors)
	defer endStream(rec)
	return next(srv, ss)
}

func (o *Observer) innerStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec, stage := trace.FromContext(ss.Context()), handlerOf(info.FullMethod)
	if o.faults.isOn(slowHandler) {
		o.faults.delay(ss.Context(), slowHandler, rec, stage, 0)
	}
	o.holds.at(ss.Context(), rec, stage)
	rec.Begin(stage)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	err := next(srv, ss)
	panicking = false
	return err
}

// endHandler ends a handler that returned or panicked. It leaves the panic alone,
// so that whoever recovers has the stack as it was.
func endHandler(rec *trace.Record, stage trace.Stage, panicking bool) {
	if panicking {
		rec.Mark(trace.MarkPanic)
	}
	rec.End(stage)
}

// handlerOf names the stage that a method's handler is.
func handlerOf(method string) trace.Stage {
	switch method {
	case pb.KV_Put_FullMethodName:
		return trace.V3Put
	case pb.KV_Range_FullMethodName:
		return trace.V3Range
	case pb.KV_RangeStream_FullMethodName:
		return trace.V3RangeStream
	case pb.KV_DeleteRange_FullMethodName:
		return trace.V3DeleteRange
	case pb.KV_Txn_FullMethodName:
		return trace.V3Txn
	case pb.KV_Compact_FullMethodName:
		return trace.V3Compact
	case pb.Lease_LeaseGrant_FullMethodName:
		return trace.V3LeaseGrant
	case pb.Lease_LeaseRevoke_FullMethodName:
		return trace.V3LeaseRevoke
	case pb.Lease_LeaseKeepAlive_FullMethodName:
		return trace.V3LeaseKeepAlive
	case pb.Lease_LeaseTimeToLive_FullMethodName:
		return trace.V3LeaseTimeToLive
	case pb.Lease_LeaseLeases_FullMethodName:
		return trace.V3LeaseLeases
	case pb.Watch_Watch_FullMethodName:
		return trace.V3Watch
	}
	return handlerBeside(method)
}

// endStream ends a streaming call's chain. What grpc-go does next is to write
// the status.
func endStream(rec *trace.Record) {
	now := trace.Now()
	rec.EndAt(trace.Interceptors, now)
	rec.BeginAt(trace.WriteStatus, now)
}
