package front

import (
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// noteRequest notes what a request is about: its key or its lease, and of a value
// the size.
func noteRequest(rec *record.Record, msg any) {
	switch r := msg.(type) {
	case *pb.PutRequest:
		rec.SetKey(r.GetKey())
		rec.Facts().ValueSize = len(r.GetValue())
	case *pb.RangeRequest:
		rec.SetKey(r.GetKey())
	case *pb.DeleteRangeRequest:
		rec.SetKey(r.GetKey())
	case *pb.TxnRequest:
		noteTxn(rec, r)
	case *pb.WatchRequest:
		if create := r.GetCreateRequest(); create != nil {
			rec.SetKey(create.GetKey())
		}
	case *pb.LeaseGrantRequest, *pb.LeaseRevokeRequest, *pb.LeaseKeepAliveRequest, *pb.LeaseTimeToLiveRequest:
		rec.Facts().Lease = r.(interface{ GetID() int64 }).GetID() //nolint:forcetypeassert // all four have it
	default:
		noteServiceRequest(rec, msg)
	}
}

// noteTxn takes the first operation of a transaction for the whole of it, or the
// first comparison where there is no operation.
func noteTxn(rec *record.Record, r *pb.TxnRequest) {
	for _, ops := range [][]*pb.RequestOp{r.GetSuccess(), r.GetFailure()} {
		if len(ops) == 0 {
			continue
		}
		switch op := ops[0]; {
		case op.GetRequestPut() != nil:
			noteRequest(rec, op.GetRequestPut())
		case op.GetRequestRange() != nil:
			noteRequest(rec, op.GetRequestRange())
		case op.GetRequestDeleteRange() != nil:
			noteRequest(rec, op.GetRequestDeleteRange())
		}
		return
	}
	if compares := r.GetCompare(); len(compares) > 0 {
		rec.SetKey(compares[0].GetKey())
	}
}

// noteReply notes the store's revision, unless the record is closed already: a
// handler may outlive its request, and then nobody may write to the facts.
func noteReply(rec *record.Record, msg any) {
	r, ok := msg.(interface{ GetHeader() *pb.ResponseHeader })
	if ok && !rec.Finished() {
		rec.Facts().Revision = r.GetHeader().GetRevision()
	}
}
