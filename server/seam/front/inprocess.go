package front

import (
	"context"

	"glasskv/server/v3rpc"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/status"
)

// inProcess observes the handlers as locks and elections call them. Such a call
// has no connection and no gRPC stages. It gets a record of its own, which is
// embedded into the record of the request that it helps to answer: a lock is
// shown as what it is made of. Calls that serve no request, such as a lease that
// is kept alive, are left alone.
func (o *Front) inProcess(s v3rpc.Services) v3rpc.Services {
	s.KV = &inProcessKV{s.KV, o}
	s.Lease = &inProcessLease{s.Lease, o}
	s.Watch = &inProcessWatch{s.Watch, o}
	return s
}

// inside begins the record of a call that is made to answer the request in ctx.
// The record is nil when there is no such request, or no room to record it.
func (o *Front) inside(ctx context.Context, method string) *record.Record {
	outer := record.FromContext(ctx)
	if outer == nil {
		return nil
	}
	rec := o.rec.Start(nil, 0, record.Now())
	if rec == nil {
		return nil
	}
	rec.Mark(record.MarkInProcess)
	rec.Facts().Method = method
	outer.Embed(rec, handlerOf(outer.Facts().Method))
	return rec
}

// complete ends a record that no transport will complete.
func complete(rec *record.Record, err error) {
	st := status.Convert(err)
	rec.SetCode(uint32(st.Code()), st.Message())
	rec.Done(record.EventRead)
	rec.Done(record.EventWire)
	rec.Done(record.EventHandled)
}

// embedded runs one call of a handler inside the request that travels in ctx.
func embedded[Q, R any](
	ctx context.Context, o *Front, method string, request Q, next func(context.Context, Q) (R, error),
) (R, error) {
	rec := o.inside(ctx, method)
	if rec == nil {
		return next(ctx, request)
	}
	noteRequest(rec, request)
	stage := handlerOf(method)
	o.holds.Reach(ctx, rec, stage)
	rec.Begin(stage)
	reply, err := next(context.WithValue(ctx, record.ContextKey(), rec), request)
	rec.End(stage)
	if err == nil {
		noteReply(rec, reply)
	}
	complete(rec, err)
	return reply, err
}

type inProcessKV struct {
	pb.KVServer
	o *Front
}

func (s *inProcessKV) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	return embedded(ctx, s.o, pb.KV_Range_FullMethodName, r, s.KVServer.Range)
}

func (s *inProcessKV) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	return embedded(ctx, s.o, pb.KV_Put_FullMethodName, r, s.KVServer.Put)
}

func (s *inProcessKV) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	return embedded(ctx, s.o, pb.KV_DeleteRange_FullMethodName, r, s.KVServer.DeleteRange)
}

func (s *inProcessKV) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	return embedded(ctx, s.o, pb.KV_Txn_FullMethodName, r, s.KVServer.Txn)
}

type inProcessLease struct {
	pb.LeaseServer
	o *Front
}

func (s *inProcessLease) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	return embedded(ctx, s.o, pb.Lease_LeaseGrant_FullMethodName, r, s.LeaseServer.LeaseGrant)
}

func (s *inProcessLease) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return embedded(ctx, s.o, pb.Lease_LeaseRevoke_FullMethodName, r, s.LeaseServer.LeaseRevoke)
}

func (s *inProcessLease) LeaseTimeToLive(
	ctx context.Context, r *pb.LeaseTimeToLiveRequest,
) (*pb.LeaseTimeToLiveResponse, error) {
	return embedded(ctx, s.o, pb.Lease_LeaseTimeToLive_FullMethodName, r, s.LeaseServer.LeaseTimeToLive)
}

type inProcessWatch struct {
	pb.WatchServer
	o *Front
}

// Watch observes the stream on which a lock waits for those before it. It ends
// with the wait.
func (s *inProcessWatch) Watch(ss pb.Watch_WatchServer) error {
	rec := s.o.inside(ss.Context(), pb.Watch_Watch_FullMethodName)
	if rec == nil {
		return s.WatchServer.Watch(ss)
	}
	rec.Mark(record.MarkStreaming)
	s.o.holds.Reach(ss.Context(), rec, stages.V3Watch)
	rec.Begin(stages.V3Watch)
	err := s.WatchServer.Watch(&inProcessWatchStream{ss, context.WithValue(ss.Context(), record.ContextKey(), rec)})
	rec.End(stages.V3Watch)
	complete(rec, err)
	return err
}

type inProcessWatchStream struct {
	pb.Watch_WatchServer
	ctx context.Context
}

func (s *inProcessWatchStream) Context() context.Context { return s.ctx }
