package front

import (
	"context"

	"glasskv/server/v3rpc"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/status"
)

// inProcess wraps the handlers that locks and elections call. Such a call has no connection
// and no gRPC stages. It gets a record of its own, which becomes part of the record of the
// request that the call is made for, so a lock's timeline shows the calls that it consists of.
// Calls that are made for no request, such as keeping a lease alive, are not recorded.
func (f *Front) inProcess(s v3rpc.Services) v3rpc.Services {
	s.KV = &inProcessKV{s.KV, f}
	s.Lease = &inProcessLease{s.Lease, f}
	s.Watch = &inProcessWatch{s.Watch, f}
	return s
}

// startEmbedded begins the record of a call that is made for the request in ctx. It returns nil
// if there is no such request, or if too many are under way to record the call.
func (f *Front) startEmbedded(ctx context.Context, method string) *record.Record {
	outer := record.FromContext(ctx)
	if outer == nil {
		return nil
	}
	rec := f.rec.Start(nil, 0, record.Now())
	if rec == nil {
		return nil
	}
	rec.Mark(record.MarkInProcess)
	rec.Facts().Method = method
	outer.Embed(rec, handlerStage(outer.Facts().Method))
	return rec
}

// finishEmbedded finishes the record of a call that has returned err.
func finishEmbedded(rec *record.Record, err error) {
	st := status.Convert(err)
	rec.SetCode(uint32(st.Code()), st.Message())
	rec.Done(record.EventRead)
	rec.Done(record.EventWire)
	rec.Done(record.EventHandled)
}

// callEmbedded calls a unary handler, with a record if the call is made for a request.
func callEmbedded[Q, R any](
	ctx context.Context, f *Front, method string, request Q, next func(context.Context, Q) (R, error),
) (R, error) {
	rec := f.startEmbedded(ctx, method)
	if rec == nil {
		return next(ctx, request)
	}
	noteRequest(rec, request)
	stage := handlerStage(method)
	f.holds.Reach(ctx, rec, stage)
	rec.Begin(stage)
	reply, err := next(context.WithValue(ctx, recordKey, rec), request)
	rec.End(stage)
	if err == nil {
		noteReply(rec, reply)
	}
	finishEmbedded(rec, err)
	return reply, err
}

type inProcessKV struct {
	pb.KVServer
	front *Front
}

func (s *inProcessKV) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	return callEmbedded(ctx, s.front, pb.KV_Range_FullMethodName, r, s.KVServer.Range)
}

func (s *inProcessKV) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	return callEmbedded(ctx, s.front, pb.KV_Put_FullMethodName, r, s.KVServer.Put)
}

func (s *inProcessKV) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	return callEmbedded(ctx, s.front, pb.KV_DeleteRange_FullMethodName, r, s.KVServer.DeleteRange)
}

func (s *inProcessKV) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	return callEmbedded(ctx, s.front, pb.KV_Txn_FullMethodName, r, s.KVServer.Txn)
}

type inProcessLease struct {
	pb.LeaseServer
	front *Front
}

func (s *inProcessLease) LeaseGrant(ctx context.Context, r *pb.LeaseGrantRequest) (*pb.LeaseGrantResponse, error) {
	return callEmbedded(ctx, s.front, pb.Lease_LeaseGrant_FullMethodName, r, s.LeaseServer.LeaseGrant)
}

func (s *inProcessLease) LeaseRevoke(ctx context.Context, r *pb.LeaseRevokeRequest) (*pb.LeaseRevokeResponse, error) {
	return callEmbedded(ctx, s.front, pb.Lease_LeaseRevoke_FullMethodName, r, s.LeaseServer.LeaseRevoke)
}

func (s *inProcessLease) LeaseTimeToLive(
	ctx context.Context, r *pb.LeaseTimeToLiveRequest,
) (*pb.LeaseTimeToLiveResponse, error) {
	return callEmbedded(ctx, s.front, pb.Lease_LeaseTimeToLive_FullMethodName, r, s.LeaseServer.LeaseTimeToLive)
}

type inProcessWatch struct {
	pb.WatchServer
	front *Front
}

// Watch records the stream on which a lock waits for those before it.
func (s *inProcessWatch) Watch(ss pb.Watch_WatchServer) error {
	rec := s.front.startEmbedded(ss.Context(), pb.Watch_Watch_FullMethodName)
	if rec == nil {
		return s.WatchServer.Watch(ss)
	}
	rec.Mark(record.MarkStreaming)
	stage := handlerStage(pb.Watch_Watch_FullMethodName)
	s.front.holds.Reach(ss.Context(), rec, stage)
	rec.Begin(stage)
	err := s.WatchServer.Watch(&inProcessWatchStream{ss, context.WithValue(ss.Context(), recordKey, rec)})
	rec.End(stage)
	finishEmbedded(rec, err)
	return err
}

type inProcessWatchStream struct {
	pb.Watch_WatchServer
	ctx context.Context
}

func (s *inProcessWatchStream) Context() context.Context { return s.ctx }
