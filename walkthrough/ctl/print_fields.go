package ctl

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// fields prints everything there is in a reply, a field a line.
type fields struct{ *page }

func (p *fields) header(h *pb.ResponseHeader) {
	if p.hex {
		p.printf("\"ClusterID\" : %x\n\"MemberID\" : %x\n", h.GetClusterId(), h.GetMemberId())
	} else {
		p.printf("\"ClusterID\" : %d\n\"MemberID\" : %d\n", h.GetClusterId(), h.GetMemberId())
	}
	if h.GetRevision() > 0 { // replies that are not about keys have none
		p.printf("\"Revision\" : %d\n", h.GetRevision())
	}
	p.printf("\"RaftTerm\" : %d\n", h.GetRaftTerm())
}

func (p *fields) pair(prefix string, kv *mvccpb.KeyValue) {
	p.printf("\"%sKey\" : %q\n", prefix, kv.GetKey())
	p.printf("\"%sCreateRevision\" : %d\n", prefix, kv.GetCreateRevision())
	p.printf("\"%sModRevision\" : %d\n", prefix, kv.GetModRevision())
	p.printf("\"%sVersion\" : %d\n", prefix, kv.GetVersion())
	p.printf("\"%sValue\" : %q\n", prefix, kv.GetValue())
	p.printf("\"%sLease\" : "+p.leaseVerb()+"\n", prefix, kv.GetLease())
}

func (p *fields) leaseVerb() string {
	if p.hex {
		return "%016x"
	}
	return "%d"
}

func (p *fields) put(r *pb.PutResponse) {
	p.header(r.GetHeader())
	if kv := r.GetPrevKv(); kv != nil {
		p.pair("Prev", kv)
	}
}

func (p *fields) get(r *pb.RangeResponse) {
	p.header(r.GetHeader())
	for _, kv := range r.GetKvs() {
		p.pair("", kv)
	}
	p.printf("\"More\" : %t\n\"Count\" : %d\n", r.GetMore(), r.GetCount())
}

func (p *fields) del(r *pb.DeleteRangeResponse) {
	p.header(r.GetHeader())
	p.printf("\"Deleted\" : %d\n", r.GetDeleted())
	for _, kv := range r.GetPrevKvs() {
		p.pair("Prev", kv)
	}
}

func (p *fields) txn(r *pb.TxnResponse) {
	p.header(r.GetHeader())
	p.printf("\"Succeeded\" : %t\n", r.GetSucceeded())
	for _, op := range r.GetResponses() {
		showOp(p, op)
	}
}

func (p *fields) compact(_ int64, r *pb.CompactionResponse) { p.header(r.GetHeader()) }

func (p *fields) grant(r *pb.LeaseGrantResponse) {
	p.header(r.GetHeader())
	p.printf("\"ID\" : "+p.leaseVerb()+"\n\"TTL\" : %d\n", r.GetID(), r.GetTTL())
}

func (p *fields) revoke(_ int64, r *pb.LeaseRevokeResponse) { p.header(r.GetHeader()) }
