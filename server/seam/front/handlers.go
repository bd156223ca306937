package front

import (
	"context"
	"strings"

	"glasskv/server/seam/fault"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
)

// The outer interceptors stand first in the server's chain and see all of it,
// the inner ones stand last and see the handler alone. The ends are stamped by
// defer, so that they stand in the record as well when a handler panics and
// something further out recovers.

func (o *Front) outerUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec := record.FromContext(ctx)
	o.holds.Reach(ctx, rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer rec.End(stages.Interceptors)
	return next(ctx, req)
}

func (o *Front) innerUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec, stage := record.FromContext(ctx), handlerOf(info.FullMethod)
	if o.faults.IsOn(fault.SlowHandler) {
		o.faults.Delay(ctx, fault.SlowHandler, rec, stage, 0)
	}
	o.holds.Reach(ctx, rec, stage)
	rec.Begin(stage)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	reply, err := next(ctx, req)
	panicking = false
	return reply, err
}

func (o *Front) outerStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec := record.FromContext(ss.Context())
	o.holds.Reach(ss.Context(), rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer endStream(rec)
	return next(srv, ss)
}

func (o *Front) innerStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec, stage := record.FromContext(ss.Context()), handlerOf(info.FullMethod)
	if o.faults.IsOn(fault.SlowHandler) {
		o.faults.Delay(ss.Context(), fault.SlowHandler, rec, stage, 0)
	}
	o.holds.Reach(ss.Context(), rec, stage)
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

// authService is what the methods of the auth service begin with. They share one
// stage: each is a short request through raft.
const authService = "/etcdserverpb.Auth/"

// besideKV names the stages of the handlers beside the key-value store, its
// watches and its leases.
var besideKV = map[string]stages.Stage{
	v3lockpb.Lock_Lock_FullMethodName:             stages.V3Lock,
	v3lockpb.Lock_Unlock_FullMethodName:           stages.V3Unlock,
	v3electionpb.Election_Campaign_FullMethodName: stages.V3Campaign,
	v3electionpb.Election_Proclaim_FullMethodName: stages.V3Proclaim,
	v3electionpb.Election_Leader_FullMethodName:   stages.V3Leader,
	v3electionpb.Election_Observe_FullMethodName:  stages.V3Observe,
	v3electionpb.Election_Resign_FullMethodName:   stages.V3Resign,
	pb.Cluster_MemberList_FullMethodName:          stages.V3MemberList,
	pb.Maintenance_Status_FullMethodName:          stages.V3Status,
	pb.Maintenance_Alarm_FullMethodName:           stages.V3Alarm,
	pb.Maintenance_Hash_FullMethodName:            stages.V3Hash,
	pb.Maintenance_HashKV_FullMethodName:          stages.V3HashKV,
	pb.Maintenance_Defragment_FullMethodName:      stages.V3Defragment,
	pb.Maintenance_Snapshot_FullMethodName:        stages.V3Snapshot,
}

// handlerBeside names the stage of a handler that is none of the key-value
// store's. A method that has no stage of its own is shown as a handler.
func handlerBeside(method string) stages.Stage {
	if stage, ok := besideKV[method]; ok {
		return stage
	}
	if strings.HasPrefix(method, authService) {
		return stages.V3Auth
	}
	return stages.GRPCHandler
}

// noteRequest notes what a request is about: its key or its lease, and of a value
// the size.
func noteRequest(rec *record.Record, msg any) {
	switch r := msg.(type) {
	case *pb.PutRequest:
		rec.SetKey(r.GetKey())
		rec.Facts().ValueSize = len(r.GetValue())
	case *pb.RangeRequest:
		rec.SetKey(r.GetKey())
	case *pb.DeleteRangeRequest:
		rec.SetKey(r.GetKey())
	case *pb.TxnRequest:
		noteTxn(rec, r)
	case *pb.WatchRequest:
		if create := r.GetCreateRequest(); create != nil {
			rec.SetKey(create.GetKey())
		}
	case *pb.LeaseGrantRequest, *pb.LeaseRevokeRequest, *pb.LeaseKeepAliveRequest, *pb.LeaseTimeToLiveRequest:
		rec.Facts().Lease = r.(interface{ GetID() int64 }).GetID() //nolint:forcetypeassert // all four have it
	default:
		noteServiceRequest(rec, msg)
	}
}

// noteTxn takes the first operation of a transaction for the whole of it, or the
// first comparison where there is no operation.
func noteTxn(rec *record.Record, r *pb.TxnRequest) {
	for _, ops := range [][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		if len(ops) == 0 {
			continue
		}
		switch op := ops[0]; {
		case op.GetRequestPut() != nil:
			noteRequest(rec, op.GetRequestPut())
		case op.GetRequestRange() != nil:
			noteRequest(rec, op.GetRequestRange())
		case op.GetRequestDeleteRange() != nil:
			noteRequest(rec, op.GetRequestDeleteRange())
		}
		return
	}
	if compares := r.GetCompare(); len(compares) > 0 {
		rec.SetKey(compares[0].GetKey())
	}
}

// noteReply notes the store's revision, unless the record is closed already: a
// handler may outlive its request, and then nobody may write to the facts.
func noteReply(rec *record.Record, msg any) {
	r, ok := msg.(interface{ GetHeader() *pb.ResponseHeader })
	if ok && !rec.Finished() {
		rec.Facts().Revision = r.GetHeader().GetRevision()
	}
}

// noteServiceRequest notes what a request to a lock or an election is about: its
// name, or the key of who holds it.
func noteServiceRequest(rec *record.Record, msg any) {
	switch r := msg.(type) {
	case *v3lockpb.LockRequest:
		rec.SetKey(r.GetName())
	case *v3lockpb.UnlockRequest:
		rec.SetKey(r.GetKey())
	case *v3electionpb.CampaignRequest:
		rec.SetKey(r.GetName())
		rec.Facts().ValueSize = len(r.GetValue())
	case *v3electionpb.ProclaimRequest:
		rec.SetKey(r.GetLeader().GetKey())
		rec.Facts().ValueSize = len(r.GetValue())
	case *v3electionpb.LeaderRequest:
		rec.SetKey(r.GetName())
	case *v3electionpb.ResignRequest:
		rec.SetKey(r.GetLeader().GetKey())
	}
}
