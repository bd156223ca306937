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

// initialStreamChunkLimit is the largest number of keys in the first chunk of a
// RangeStream. It is small, because the sizes of the values are not known yet.
const initialStreamChunkLimit = 10

// RangeStream reads a range in chunks and sends each chunk as soon as it is read, so
// that neither side holds the whole range in memory. All chunks are read at one
// revision: the request's or, if it has none, the store's when the first chunk is
// read. The last chunk has the header and the count.
//
// It returns the errors of Range and of rs.Send. mvcc.ErrCompacted is also returned
// if the revision is compacted while the range is read.
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

// rangeStream reads and sends the chunks. Each begins at the key after the last key
// of the previous one.
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
				chunk.Revision = rev // so that later chunks do not see later writes
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
		if err := s.completeRange(ctx, out, chunk, resp.More, sent); err != nil {
			return err
		}
		out.Header.Revision = rev
		return send(out)
	}
	return ctx.Err()
}

// completeRange adds the header and the count to the last chunk, out. more says that
// the limit has cut the range short; then the keys of rest are counted as well.
func (s *EtcdServer) completeRange(ctx context.Context, out *pb.RangeResponse, rest *pb.RangeRequest, more bool, sent int64) error {
	out.Header, out.More, out.Count = &pb.ResponseHeader{}, more, sent
	if !more {
		return nil
	}
	unsent, err := txn.Count(ctx, s.lg, s.kv, rest.Key, rest.RangeEnd, rest.Revision)
	out.Count += unsent
	return err
}

// adjustChunkLimit returns the limit for the next chunk, in keys, to bring chunks
// near the wanted size in bytes. It changes the limit only if the last chunk was
// below half or above twice that size, so that values of different sizes do not make
// the limit oscillate.
func adjustChunkLimit(limit int64, size, want int) int64 {
	switch {
	case size < want/2:
		return limit * 2
	case size > want*2:
		return max(limit/2, 1)
	}
	return limit
}

// readChunk is the unwrapped RangeFunc of RangeStream. Unlike readRange, it does not
// count the keys beyond the limit.
func (s *EtcdServer) readChunk(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	resp, _, err := txn.Range(ctx, s.lg, s.kv, r, false)
	return resp, err
}
