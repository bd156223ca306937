package v3rpc

import (
	"context"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// closedKV is a store that nobody may reach.
type closedKV struct {
	RaftKV
	t *testing.T
}

func (kv closedKV) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	kv.t.Error("a malformed range reached the store")
	return &pb.RangeResponse{Header: &pb.ResponseHeader{}}, nil
}

func (kv closedKV) Put(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
	kv.t.Error("a malformed put reached the store")
	return &pb.PutResponse{Header: &pb.ResponseHeader{}}, nil
}

func (kv closedKV) DeleteRange(context.Context, *pb.DeleteRangeRequest) (*pb.DeleteRangeResponse, error) {
	kv.t.Error("a malformed delete reached the store")
	return &pb.DeleteRangeResponse{Header: &pb.ResponseHeader{}}, nil
}

func (kv closedKV) Txn(context.Context, *pb.TxnRequest) (*pb.TxnResponse, error) {
	kv.t.Error("a malformed txn reached the store")
	return &pb.TxnResponse{Header: &pb.ResponseHeader{}}, nil
}

const testMaxTxnOps = 4

func put(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key)}}}
}

func get(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}}
}

func del(key, end string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{
		RequestDeleteRange: &pb.DeleteRangeRequest{Key: []byte(key), RangeEnd: []byte(end)},
	}}
}

func nested(success, failure []*pb.RequestOp) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{
		RequestTxn: &pb.TxnRequest{Success: success, Failure: failure},
	}}
}

func ops(ops ...*pb.RequestOp) []*pb.RequestOp { return ops }

func puts(n int) []*pb.RequestOp {
	var list []*pb.RequestOp
	for i := range n {
		list = append(list, put(string(rune('a'+i))))
	}
	return list
}

// A malformed request is refused by its handler, with the error that etcd's
// clients know, and costs no proposal.
func TestMalformedRequestsStopAtTheHandler(t *testing.T) {
	s := &kvServer{kv: closedKV{t: t}, maxTxnOps: testMaxTxnOps}
	key := []byte("k")
	for _, tt := range []struct {
		name string
		req  any
		want error
	}{
		{"range without key", &pb.RangeRequest{}, rpctypes.ErrGRPCEmptyKey},
		{"range in no known order", &pb.RangeRequest{Key: key, SortOrder: 9}, rpctypes.ErrGRPCInvalidSortOption},
		{"range by no known field", &pb.RangeRequest{Key: key, SortTarget: 9}, rpctypes.ErrGRPCInvalidSortOption},
		{"put without key", &pb.PutRequest{Value: key}, rpctypes.ErrGRPCEmptyKey},
		{"put that ignores the value it brings", &pb.PutRequest{Key: key, Value: key, IgnoreValue: true}, rpctypes.ErrGRPCValueProvided},
		{"put that ignores the lease it brings", &pb.PutRequest{Key: key, Lease: 1, IgnoreLease: true}, rpctypes.ErrGRPCLeaseProvided},
		{"delete without key", &pb.DeleteRangeRequest{}, rpctypes.ErrGRPCEmptyKey},
		{"txn too long", &pb.TxnRequest{Success: puts(testMaxTxnOps + 1)}, rpctypes.ErrGRPCTooManyOps},
		{"txn too long where it is not taken", &pb.TxnRequest{Failure: puts(testMaxTxnOps + 1)}, rpctypes.ErrGRPCTooManyOps},
		{"txn that compares nothing", &pb.TxnRequest{Compare: []*pb.Compare{{}}}, rpctypes.ErrGRPCEmptyKey},
		{"txn with an empty operation", &pb.TxnRequest{Success: ops(&pb.RequestOp{})}, rpctypes.ErrGRPCKeyNotFound},
		{"txn with a put without key", &pb.TxnRequest{Failure: ops(put(""))}, rpctypes.ErrGRPCEmptyKey},
		{"txn with a range without key", &pb.TxnRequest{Success: ops(get(""))}, rpctypes.ErrGRPCEmptyKey},
		{"txn with a delete without key", &pb.TxnRequest{Success: ops(del("", ""))}, rpctypes.ErrGRPCEmptyKey},
		{"txn in a txn that left no room", &pb.TxnRequest{Success: ops(get("a"), get("b"), nested(puts(3), nil))}, rpctypes.ErrGRPCTooManyOps},
		{"txn that puts a key twice", &pb.TxnRequest{Success: ops(put("a"), put("a"))}, rpctypes.ErrGRPCDuplicateKey},
		{"txn that puts a key twice where it is not taken", &pb.TxnRequest{Failure: ops(put("a"), put("a"))}, rpctypes.ErrGRPCDuplicateKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := call(s, tt.req); err != tt.want { //nolint:errorlint // the very status is meant
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// call passes a request to the handler for its type.
func call(s *kvServer, req any) (err error) {
	ctx := context.Background()
	switch r := req.(type) {
	case *pb.RangeRequest:
		_, err = s.Range(ctx, r)
	case *pb.PutRequest:
		_, err = s.Put(ctx, r)
	case *pb.DeleteRangeRequest:
		_, err = s.DeleteRange(ctx, r)
	case *pb.TxnRequest:
		_, err = s.Txn(ctx, r)
	}
	return err
}

// What a txn writes twice at one revision is refused; what only looks like it
// passes.
func TestTxnWritesEachKeyOnce(t *testing.T) {
	duplicate := rpctypes.ErrGRPCDuplicateKey
	for _, tt := range []struct {
		name string
		ops  []*pb.RequestOp
		want error
	}{
		{"different keys", ops(put("a"), put("b")), nil},
		{"read and put", ops(get("a"), put("a")), nil},
		{"two deletes that overlap", ops(del("a", "c"), del("b", "d")), nil},
		{"put beside a deleted range", ops(del("a", "c"), put("c")), nil},
		{"put and delete of one key", ops(put("a"), del("a", "")), duplicate},
		{"put into a deleted range", ops(put("b"), del("a", "c")), duplicate},
		// An end of \x00 means "to the last key". etcd's check takes it by the
		// letter and lets this pass, and so must we.
		{"put into a range deleted to the end", ops(put("z"), del("a", "\x00")), nil},
		{"put here and in a nested txn", ops(put("a"), nested(ops(put("a")), nil)), duplicate},
		{"put here, deleted in a nested txn", ops(put("a"), nested(nil, ops(del("a", "")))), duplicate},
		{"deleted here, put in a nested txn", ops(del("a", ""), nested(nil, ops(put("a")))), duplicate},
		{"put in two nested txns", ops(nested(ops(put("a")), nil), nested(nil, ops(put("a")))), duplicate},
		{"deleted in one nested txn, put in the next", ops(nested(ops(del("a", "")), nil), nested(ops(put("a")), nil)), duplicate},
		{"put in both branches, of which one runs", ops(nested(ops(put("a")), ops(put("a")))), nil},
		{"deleted in one branch, put in the other", ops(nested(ops(del("a", "")), ops(put("a")))), nil},
		{"put twice two levels down", ops(nested(ops(nested(ops(put("a"), put("a")), nil)), nil)), duplicate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkOverlaps(&pb.TxnRequest{Success: tt.ops}); err != tt.want { //nolint:errorlint // as above
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
