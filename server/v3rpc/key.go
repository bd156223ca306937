package v3rpc

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
)

// RaftKV is the key-value store, replicated by raft. It is etcdserver.RaftKV upstream.
// A read returns when it is answered from this member's store, a write when it has been
// applied to that store. The error says why that did not happen.
type RaftKV interface {
	Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)
	RangeStream(r *pb.RangeRequest, rs pb.KV_RangeStreamServer) error
	Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error)
	DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error)
	Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error)
	Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error)
}

// kvServer serves etcdserverpb.KV. All its handlers have one shape: refuse a malformed
// request, call the raft side, translate the error, fill the header.
type kvServer struct {
	pb.UnimplementedKVServer
	hdr       header
	kv        RaftKV
	maxTxnOps int // see Config.MaxTxnOps
}

func newKVServer(s Server, maxTxnOps int) *kvServer {
	return &kvServer{hdr: newHeader(s), kv: s, maxTxnOps: maxTxnOps}
}

// Range reads one key or a range of keys.
func (s *kvServer) Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if err := checkRangeRequest(r); err != nil {
		return nil, err
	}
	return askFilled(ctx, r, &s.hdr, s.kv.Range)
}

// Put stores one key.
func (s *kvServer) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if err := checkPutRequest(r); err != nil {
		return nil, err
	}
	return askFilled(ctx, r, &s.hdr, s.kv.Put)
}

// DeleteRange removes one key or a range of keys.
func (s *kvServer) DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	if err := checkDeleteRequest(r); err != nil {
		return nil, err
	}
	return askFilled(ctx, r, &s.hdr, s.kv.DeleteRange)
}

// Txn evaluates the compares and runs one of two lists of operations, atomically.
func (s *kvServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if err := checkTxnRequest(r, s.maxTxnOps); err != nil {
		return nil, err
	}
	if err := checkOverlaps(r); err != nil {
		return nil, err
	}
	return askFilled(ctx, r, &s.hdr, s.kv.Txn)
}

// Compact discards the history of all keys before a revision.
func (s *kvServer) Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error) {
	return askFilled(ctx, r, &s.hdr, s.kv.Compact)
}

// RangeStream reads a range of keys and sends it in chunks. The last chunk has the
// header.
func (s *kvServer) RangeStream(r *pb.RangeRequest, rs pb.KV_RangeStreamServer) error {
	if err := checkRangeStreamRequest(r); err != nil {
		return err
	}
	return togRPCError(s.kv.RangeStream(r, &headerFillingRangeStream{rs, &s.hdr}))
}

// checkRangeStreamRequest refuses sorting and filtering, which need the whole range
// before the first key can be sent.
func checkRangeStreamRequest(r *pb.RangeRequest) error {
	if err := checkRangeRequest(r); err != nil {
		return err
	}
	if !txn.IsDefaultOrdering(r.SortTarget, r.SortOrder) {
		return status.Error(codes.Unimplemented, "RangeStream does not support custom sort orders")
	}
	if txn.HasRevisionFilters(r) {
		return status.Error(codes.Unimplemented, "RangeStream does not support revision filters")
	}
	return nil
}

// headerFillingRangeStream fills the header of the chunk that has one. The header's
// revision is set already: it is the revision that was read.
type headerFillingRangeStream struct {
	pb.KV_RangeStreamServer
	hdr *header
}

func (s *headerFillingRangeStream) Send(resp *pb.RangeStreamResponse) error {
	if rh := resp.GetRangeResponse().GetHeader(); rh != nil {
		s.hdr.fillWithoutRevision(rh)
	}
	return s.KV_RangeStreamServer.Send(resp)
}
