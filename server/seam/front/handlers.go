package front

import (
	"context"

	"glasskv/server/seam/fault"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
)

// The outer interceptors are the first of the server's chain, so Interceptors covers all
// of it. The inner ones are the last, so they see the handler alone. Ends are stamped by
// defer: they are in the record even if the handler panics and an interceptor between the
// two recovers.

func (f *Front) outerUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec := record.FromContext(ctx)
	f.holds.Reach(ctx, rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer rec.End(stages.Interceptors)
	return next(ctx, req)
}

func (f *Front) innerUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	rec, stage := f.beginHandler(ctx, info.FullMethod)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	reply, err := next(ctx, req)
	panicking = false
	return reply, err
}

func (f *Front) outerStream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec := record.FromContext(ss.Context())
	f.holds.Reach(ss.Context(), rec, stages.Interceptors)
	rec.Begin(stages.Interceptors)
	defer endStreamChain(rec)
	return next(srv, ss)
}

func (f *Front) innerStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	rec, stage := f.beginHandler(ss.Context(), info.FullMethod)
	panicking := true
	defer func() { endHandler(rec, stage, panicking) }()
	err := next(srv, ss)
	panicking = false
	return err
}

// beginHandler begins the stage of a method's handler. Before that, the request waits if a
// fault delays it or a breakpoint holds it there.
func (f *Front) beginHandler(ctx context.Context, method string) (*record.Record, stages.Stage) {
	rec, stage := record.FromContext(ctx), handlerStage(method)
	if f.faults.IsOn(fault.SlowHandler) {
		f.faults.Delay(ctx, fault.SlowHandler, rec, stage, 0)
	}
	f.holds.Reach(ctx, rec, stage)
	rec.Begin(stage)
	return rec, stage
}

// endHandler ends the stage of a handler that has returned or is panicking. It does not
// recover, so that whatever does recover finds the whole stack.
func endHandler(rec *record.Record, stage stages.Stage, panicking bool) {
	if panicking {
		rec.Mark(record.MarkPanic)
	}
	rec.End(stage)
}

// endStreamChain ends a streaming call's chain. Next, grpc-go writes the status.
func endStreamChain(rec *record.Record) {
	now := record.Now()
	rec.EndAt(stages.Interceptors, now)
	rec.BeginAt(stages.WriteStatus, now)
}

// handlerStages is the stage of each method's handler, by the method's full name. It has
// every method of etcd's services. Methods of other services are not in it.
var handlerStages = map[string]stages.Stage{
	pb.KV_Range_FullMethodName:       stages.V3Range,
	pb.KV_RangeStream_FullMethodName: stages.V3RangeStream,
	pb.KV_Put_FullMethodName:         stages.V3Put,
	pb.KV_DeleteRange_FullMethodName: stages.V3DeleteRange,
	pb.KV_Txn_FullMethodName:         stages.V3Txn,
	pb.KV_Compact_FullMethodName:     stages.V3Compact,

	pb.Watch_Watch_FullMethodName: stages.V3Watch,

	pb.Lease_LeaseGrant_FullMethodName:      stages.V3LeaseGrant,
	pb.Lease_LeaseRevoke_FullMethodName:     stages.V3LeaseRevoke,
	pb.Lease_LeaseKeepAlive_FullMethodName:  stages.V3LeaseKeepAlive,
	pb.Lease_LeaseTimeToLive_FullMethodName: stages.V3LeaseTimeToLive,
	pb.Lease_LeaseLeases_FullMethodName:     stages.V3LeaseLeases,

	pb.Cluster_MemberAdd_FullMethodName:     stages.GRPCHandler,
	pb.Cluster_MemberRemove_FullMethodName:  stages.GRPCHandler,
	pb.Cluster_MemberUpdate_FullMethodName:  stages.GRPCHandler,
	pb.Cluster_MemberList_FullMethodName:    stages.V3MemberList,
	pb.Cluster_MemberPromote_FullMethodName: stages.GRPCHandler,

	pb.Maintenance_Alarm_FullMethodName:      stages.V3Alarm,
	pb.Maintenance_Status_FullMethodName:     stages.V3Status,
	pb.Maintenance_Defragment_FullMethodName: stages.V3Defragment,
	pb.Maintenance_Hash_FullMethodName:       stages.V3Hash,
	pb.Maintenance_HashKV_FullMethodName:     stages.V3HashKV,
	pb.Maintenance_Snapshot_FullMethodName:   stages.V3Snapshot,
	pb.Maintenance_MoveLeader_FullMethodName: stages.GRPCHandler,
	pb.Maintenance_Downgrade_FullMethodName:  stages.GRPCHandler,

	// The methods of Auth share one stage: each is a short request through raft.
	pb.Auth_AuthEnable_FullMethodName:           stages.V3Auth,
	pb.Auth_AuthDisable_FullMethodName:          stages.V3Auth,
	pb.Auth_AuthStatus_FullMethodName:           stages.V3Auth,
	pb.Auth_Authenticate_FullMethodName:         stages.V3Auth,
	pb.Auth_UserAdd_FullMethodName:              stages.V3Auth,
	pb.Auth_UserGet_FullMethodName:              stages.V3Auth,
	pb.Auth_UserList_FullMethodName:             stages.V3Auth,
	pb.Auth_UserDelete_FullMethodName:           stages.V3Auth,
	pb.Auth_UserChangePassword_FullMethodName:   stages.V3Auth,
	pb.Auth_UserGrantRole_FullMethodName:        stages.V3Auth,
	pb.Auth_UserRevokeRole_FullMethodName:       stages.V3Auth,
	pb.Auth_RoleAdd_FullMethodName:              stages.V3Auth,
	pb.Auth_RoleGet_FullMethodName:              stages.V3Auth,
	pb.Auth_RoleList_FullMethodName:             stages.V3Auth,
	pb.Auth_RoleDelete_FullMethodName:           stages.V3Auth,
	pb.Auth_RoleGrantPermission_FullMethodName:  stages.V3Auth,
	pb.Auth_RoleRevokePermission_FullMethodName: stages.V3Auth,

	v3lockpb.Lock_Lock_FullMethodName:   stages.V3Lock,
	v3lockpb.Lock_Unlock_FullMethodName: stages.V3Unlock,

	v3electionpb.Election_Campaign_FullMethodName: stages.V3Campaign,
	v3electionpb.Election_Proclaim_FullMethodName: stages.V3Proclaim,
	v3electionpb.Election_Leader_FullMethodName:   stages.V3Leader,
	v3electionpb.Election_Observe_FullMethodName:  stages.V3Observe,
	v3electionpb.Election_Resign_FullMethodName:   stages.V3Resign,
}

// handlerStage returns the stage of the handler of a method, which is GRPCHandler for
// methods that are not etcd's.
func handlerStage(method string) stages.Stage {
	if stage, ok := handlerStages[method]; ok {
		return stage
	}
	return stages.GRPCHandler
}

// noteRequest notes what a request is about: its key, its lease, or the name of its lock
// or election, and the size of its value. Requests of other types have nothing to note.
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

// noteTxn notes a transaction as its first operation, or as its first comparison if it
// has no operation.
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

// noteReply notes the store's revision in a reply, unless the record is finished: a
// handler may outlive its request, and the facts of a finished record must not change.
func noteReply(rec *record.Record, msg any) {
	r, ok := msg.(interface{ GetHeader() *pb.ResponseHeader })
	if ok && !rec.Finished() {
		rec.Facts().Revision = r.GetHeader().GetRevision()
	}
}
