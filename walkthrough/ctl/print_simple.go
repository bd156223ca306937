package ctl

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// simple prints for people and for scripts: a key on one line, its value on the
// next.
type simple struct {
	*page
	valueOnly bool
}

func (p *simple) pair(kv *mvccpb.KeyValue) {
	if !p.valueOnly {
		p.printf("%s\n", p.text(kv.GetKey()))
	}
	p.printf("%s\n", p.text(kv.GetValue()))
}

func (p *simple) put(r *pb.PutResponse) {
	p.printf("OK\n")
	if kv := r.GetPrevKv(); kv != nil {
		p.pair(kv)
	}
}

func (p *simple) get(r *pb.RangeResponse) {
	for _, kv := range r.GetKvs() {
		p.pair(kv)
	}
}

func (p *simple) del(r *pb.DeleteRangeResponse) {
	p.printf("%d\n", r.GetDeleted())
	for _, kv := range r.GetPrevKvs() {
		p.pair(kv)
	}
}

func (p *simple) txn(r *pb.TxnResponse) {
	if r.GetSucceeded() {
		p.printf("SUCCESS\n")
	} else {
		p.printf("FAILURE\n")
	}
	for _, op := range r.GetResponses() {
		p.printf("\n")
		showOp(p, op)
	}
}

func (p *simple) compact(revision int64, _ *pb.CompactionResponse) {
	p.printf("compacted revision %d\n", revision)
}

func (p *simple) grant(r *pb.LeaseGrantResponse) {
	p.printf("lease %016x granted with TTL(%ds)\n", r.GetID(), r.GetTTL())
}

func (p *simple) revoke(id int64, _ *pb.LeaseRevokeResponse) {
	p.printf("lease %016x revoked\n", id)
}

// showOp prints one of the replies inside that of a txn.
func showOp(p printer, op *pb.ResponseOp) {
	switch {
	case op.GetResponsePut() != nil:
		p.put(op.GetResponsePut())
	case op.GetResponseRange() != nil:
		p.get(op.GetResponseRange())
	case op.GetResponseDeleteRange() != nil:
		p.del(op.GetResponseDeleteRange())
	case op.GetResponseTxn() != nil:
		p.txn(op.GetResponseTxn())
	}
}
