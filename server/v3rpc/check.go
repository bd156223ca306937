package v3rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/pkg/v3/adt"
)

// The checks below need nothing but the request. Whatever they refuse has
// cost no proposal, no log entry and no disk write. The order in which they
// look is etcd's, since a client sees only the first complaint.

func checkRangeRequest(r *pb.RangeRequest) error {
	if len(r.GetKey()) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	_, orderKnown := pb.RangeRequest_SortOrder_name[int32(r.SortOrder)]
	_, targetKnown := pb.RangeRequest_SortTarget_name[int32(r.SortTarget)]
	if !orderKnown || !targetKnown {
		return rpctypes.ErrGRPCInvalidSortOption
	}
	return nil
}

func checkPutRequest(r *pb.PutRequest) error {
	switch {
	case len(r.GetKey()) == 0:
		return rpctypes.ErrGRPCEmptyKey
	case r.IgnoreValue && len(r.Value) > 0:
		return rpctypes.ErrGRPCValueProvided
	case r.IgnoreLease && r.Lease != 0:
		return rpctypes.ErrGRPCLeaseProvided
	}
	return nil
}

func checkDeleteRequest(r *pb.DeleteRangeRequest) error {
	if len(r.GetKey()) == 0 {
		return rpctypes.ErrGRPCEmptyKey
	}
	return nil
}

// checkTxnRequest bounds a txn and checks every request in it. A nested txn
// may use only what the txn around it has left over: otherwise nesting would
// multiply the limit.
func checkTxnRequest(r *pb.TxnRequest, maxTxnOps int) error {
	ops := max(len(r.GetCompare()), len(r.GetSuccess()), len(r.GetFailure()))
	if ops > maxTxnOps {
		return rpctypes.ErrGRPCTooManyOps
	}
	for _, c := range r.GetCompare() {
		if len(c.GetKey()) == 0 {
			return rpctypes.ErrGRPCEmptyKey
		}
	}
	for _, branch := range [][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		for _, op := range branch {
			if err := checkRequestOp(op, maxTxnOps-ops); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkRequestOp(op *pb.RequestOp, maxTxnOps int) error {
	switch r := op.GetRequest().(type) {
	case *pb.RequestOp_RequestRange:
		return checkRangeRequest(r.RequestRange)
	case *pb.RequestOp_RequestPut:
		return checkPutRequest(r.RequestPut)
	case *pb.RequestOp_RequestDeleteRange:
		return checkDeleteRequest(r.RequestDeleteRange)
	case *pb.RequestOp_RequestTxn:
		return checkTxnRequest(r.RequestTxn, maxTxnOps)
	default:
		// An operation without a request. The name of the error is odd,
		// but it is the one that etcd's clients know.
		return rpctypes.ErrGRPCKeyNotFound
	}
}

// All operations of a txn take effect at one revision. A key that is put
// twice at one revision, or put and deleted, would have no defined value
// afterwards, so such a txn is refused as a whole.

// everyKey is the interval of all keys, used to merge interval trees.
var everyKey = adt.NewStringAffineInterval("\x00", "")

// checkOverlaps refuses a txn one of whose branches writes a key twice. The
// two branches exclude each other, and are therefore judged apart.
func checkOverlaps(r *pb.TxnRequest) error {
	if _, err := checkIntervals(r.Success); err != nil {
		return err
	}
	_, err := checkIntervals(r.Failure)
	return err
}

// writes are the keys that a list of operations puts, and the intervals of
// keys that it deletes.
type writes struct {
	puts map[string]struct{}
	dels adt.IntervalTree
}

// checkIntervals collects the writes of a list of operations, nested txns
// included, and returns rpctypes.ErrGRPCDuplicateKey when two of them meet.
// Two deletes may meet: deleting a key twice leaves it deleted.
//
// Deletes of this level are collected before everything else, because a put
// on any level below is compared with them.
func checkIntervals(ops []*pb.RequestOp) (*writes, error) {
	w := &writes{puts: make(map[string]struct{}), dels: adt.NewIntervalTree()}
	for _, op := range ops {
		if del := op.GetRequestDeleteRange(); del != nil {
			w.dels.Insert(deletedInterval(del), struct{}{})
		}
	}
	for _, op := range ops {
		if nested := op.GetRequestTxn(); nested != nil {
			if err := w.addTxn(nested); err != nil {
				return nil, err
			}
		}
	}
	for _, op := range ops {
		if put := op.GetRequestPut(); put != nil {
			if err := w.addPut(string(put.Key), nil); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// addTxn adds what a nested txn may write. Only one of its branches will run,
// so both may put the same key.
func (w *writes) addTxn(r *pb.TxnRequest) error {
	success, err := checkIntervals(r.Success)
	if err != nil {
		return err
	}
	failure, err := checkIntervals(r.Failure)
	if err != nil {
		return err
	}
	for key := range success.puts {
		if err := w.addPut(key, nil); err != nil {
			return err
		}
	}
	for key := range failure.puts {
		if err := w.addPut(key, success.puts); err != nil {
			return err
		}
	}
	w.dels.Union(success.dels, everyKey)
	w.dels.Union(failure.dels, everyKey)
	return nil
}

// addPut adds one key. A key that is in except may have been put before.
func (w *writes) addPut(key string, except map[string]struct{}) error {
	_, before := w.puts[key]
	_, allowed := except[key]
	if before && !allowed {
		return rpctypes.ErrGRPCDuplicateKey
	}
	if w.dels.Intersects(adt.NewStringAffinePoint(key)) {
		return rpctypes.ErrGRPCDuplicateKey
	}
	w.puts[key] = struct{}{}
	return nil
}

// deletedInterval takes an end of "\x00", which means "to the last key", by the
// letter: an empty interval, which meets nothing. etcd does so too, and a txn
// that it accepts must not be refused here.
func deletedInterval(r *pb.DeleteRangeRequest) adt.Interval {
	if len(r.RangeEnd) == 0 {
		return adt.NewStringAffinePoint(string(r.Key))
	}
	return adt.NewStringAffineInterval(string(r.Key), string(r.RangeEnd))
}
