package etcdserver

import (
	"bytes"
	"context"
	"math"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/etcdserver/txn"
	"google.golang.org/protobuf/proto"
)

// initialStreamChunkLimit is how many keys the first chunk of a RangeStream has
// at most. It is small, for nothing is known of their sizes yet.
const initialStreamChunkLimit = 10

// RangeStream reads a range in chunks and sends each as soon as it is read, so
// that neither side holds all of it at once. All chunks are read at one revision:
// that of the request, or the store's when the first chunk is read. The last one
// has the header and the count.
//
// It returns what Range returns, mvcc.ErrCompacted also when a compaction
// overtakes the reading, and the errors of rs.Send.
func (s *EtcdServer) RangeStream(r *pb.RangeRequest, rs pb.KV_RangeStreamServer) error {
	if !s.requests.enter() {
		return errors.ErrStopped
	}
	defer s.requests.leave()
	ctx := rs.Context()
	if !r.Serializable {
		if err := s.linearizableReadNotify(ctx); err != nil {
			return err
		}
	}
	send := func(out *pb.RangeResponse) error {
		return rs.Send(&pb.RangeStreamResponse{RangeResponse: out})
	}
	if r.CountOnly {
		resp, err := s.path.rangeChunk(ctx, r)
		if err != nil {
			return err
		}
		return send(&pb.RangeResponse{Header: &pb.ResponseHeader{Revision: resp.Header.Revision}, Count: resp.Count})
	}
	return s.rangeStream(ctx, r, send)
}

// rangeStream reads one chunk after the other, each from the key after the last.
func (s *EtcdServer) rangeStream(ctx context.Context, r *pb.RangeRequest, send func(*pb.RangeResponse) error) error {
	left := r.Limit
	if left == 0 {
		left = math.MaxInt64
	}
	chunk, limit, sent, rev := proto.CloneOf(r), int64(initialStreamChunkLimit), int64(0), int64(0)
	for ctx.Err() == nil {
		chunk.Limit = min(limit, left)
		resp, err := s.path.rangeChunk(ctx, chunk)
		if err != nil {
			return err
		}
		if rev == 0 {
			rev = resp.Header.Revision
			if chunk.Revision == 0 {
				chunk.Revision = rev // writes from now on are not seen
			}
		}
		n := int64(len(resp.Kvs))
		left, sent = left-n, sent+n
		if resp.More {
			chunk.Key = append(bytes.Clone(resp.Kvs[n-1].Key), 0)
		}
		out := &pb.RangeResponse{Kvs: resp.Kvs}
		if resp.More && left > 0 {
			if err := send(out); err != nil {
				return err
			}
			limit = adjustChunkLimit(chunk.Limit, proto.Size(resp), int(s.cfg.MaxRequestBytes))
			continue
		}
		if err := s.endOfRange(ctx, out, chunk, resp.More, sent); err != nil {
			return err
		}
		out.Header.Revision = rev
		return send(out)
	}
	return ctx.Err()
}

// endOfRange completes the last chunk. When the limit cut the range short, the
// rest of it is counted, from the key of rest on.
func (s *EtcdServer) endOfRange(ctx context.Context, out *pb.RangeResponse, rest *pb.RangeRequest, more bool, sent int64) error {
	out.Header, out.More, out.Count = &pb.ResponseHeader{}, more, sent
	if !more {
		return nil
	}
	behind, err := txn.Count(ctx, s.lg, s.kv, rest.Key, rest.RangeEnd, rest.Revision)
	out.Count += behind
	return err
}

// adjustChunkLimit brings the chunks near the wanted size in bytes: twice or half
// as many keys when the last one was far from it, so that keys of uneven size do
// not make it swing.
func adjustChunkLimit(limit int64, size, want int) int64 {
	switch {
	case size < want/2:
		return limit * 2
	case size > want*2:
		return max(limit/2, 1)
	}
	return limit
}

// readChunk is the plain RangeFunc of RangeStream. Other than for a Range, the
// keys beyond the limit are not counted.
func (s *EtcdServer) readChunk(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	resp, _, err := txn.Range(ctx, s.lg, s.kv, r, false)
	return resp, err
}
