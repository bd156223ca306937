package v3rpc

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
)

// RaftKV is the key-value store behind the handlers, replicated by raft. It
// stands for etcdserver.RaftKV upstream. Each method returns when its request
// has been applied on this member, or with the reason why it was not.
type RaftKV interface {
	Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)
	RangeStream(r *pb.RangeRequest, rs pb.KV_RangeStreamServer) error
	Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error)
	DeleteRange(ctx context.Context, r *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error)
	Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error)
	Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error)
}

// kvServer serves etcdserverpb.KV. All its handlers have one shape, so that
// what is special about a request stands out: refuse what is malformed, pass
// the rest on, translate the error, complete the header.
type kvServer struct {
	pb.UnimplementedKVServer
	hdr header
	kv  RaftKV
	// maxTxnOps bounds the compares, the success and the failure operations
	// of a txn, each on its own.
	maxTxnOps int
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

// Txn evaluates compares and runs one of two lists of operations, atomically.
func (s *kvServer) Txn(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
	if err := checkTxnRequest(r, s.maxTxnOps); err != nil {
		return nil, err
	}
	// The size was checked first because the overlap check costs more than
	// linear time.
	if err := checkOverlaps(r); err != nil {
		return nil, err
	}
	return askFilled(ctx, r, &s.hdr, s.kv.Txn)
}

// Compact forgets the history of keys up to a revision.
func (s *kvServer) Compact(ctx context.Context, r *pb.CompactionRequest) (*pb.CompactionResponse, error) {
	return askFilled(ctx, r, &s.hdr, s.kv.Compact)
}

// RangeStream reads a range of keys and sends it in chunks.
func (s *kvServer) RangeStream(r *pb.RangeRequest, rs pb.KV_RangeStreamServer) error {
	if err := checkRangeStreamRequest(r); err != nil {
		return err
	}
	return togRPCError(s.kv.RangeStream(r, &headerFillingRangeStream{rs, &s.hdr}))
}

// checkRangeStreamRequest refuses what needs the whole range before the first
// key can be sent.
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

// headerFillingRangeStream completes the header of the one chunk that has it. Its
// revision is the one that was read at, and stays.
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
