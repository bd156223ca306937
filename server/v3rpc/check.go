package v3rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
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
