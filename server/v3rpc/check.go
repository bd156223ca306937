package v3rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/pkg/v3/adt"
)

// The checks below need only the request. A request that they refuse has cost no
// proposal, no log entry and no disk write. They check in etcd's order, because a
// client sees only the first error.

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

// checkTxnRequest returns rpctypes.ErrGRPCTooManyOps if one of the txn's three lists
// is longer than maxTxnOps, or the error of the first request in it that is malformed.
// A nested txn gets what the txn around it left of the limit: otherwise nesting would
// multiply it.
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
		// An operation without a request. The error's name does not fit, but it is
		// the error that etcd returns.
		return rpctypes.ErrGRPCKeyNotFound
	}
}

// All operations of a txn take effect at one revision. A key that is put twice, or
// put and deleted, at one revision would have no defined value afterwards, so such a
// txn is refused as a whole.

// everyKey is the interval of all keys.
var everyKey = adt.NewStringAffineInterval("\x00", "")

// checkOverlaps returns rpctypes.ErrGRPCDuplicateKey if a branch of the txn writes a
// key twice. Only one of the two branches runs, so both may write the same key. It
// takes more than linear time: check the txn's size first.
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

// checkIntervals returns the writes of a list of operations, those of nested txns
// included. It returns rpctypes.ErrGRPCDuplicateKey if two of them overlap, unless both
// are deletes: deleting a key twice leaves it deleted.
//
// Deletes of this level are collected first, because puts on all levels below are
// compared with them.
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

// addTxn adds the writes of both branches of a nested txn. Only one of them will
// run, so both may put the same key.
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

// addPut adds a key that is put. It returns rpctypes.ErrGRPCDuplicateKey if the key is
// deleted as well, or put already and not in except.
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

// deletedInterval returns the keys that r deletes. In the API an end of "\x00" means
// "to the last key"; here it makes an empty interval, which overlaps nothing. etcd has
// the same gap, and a txn that etcd accepts must not be refused here.
func deletedInterval(r *pb.DeleteRangeRequest) adt.Interval {
	if len(r.RangeEnd) == 0 {
		return adt.NewStringAffinePoint(string(r.Key))
	}
	return adt.NewStringAffineInterval(string(r.Key), string(r.RangeEnd))
}
