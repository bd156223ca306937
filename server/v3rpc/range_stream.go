package v3rpc

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
)

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
