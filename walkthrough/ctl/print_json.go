package ctl

import (
	"encoding/json"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// asJSON prints a reply as one JSON object on a line, with the names of the
// protocol; keys and values are in base64.
type asJSON struct{ *page }

func (p *asJSON) object(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		p.failed = err
		return
	}
	p.printf("%s\n", line)
}

func (p *asJSON) put(r *pb.PutResponse)                     { p.object(r) }
func (p *asJSON) get(r *pb.RangeResponse)                   { p.object(r) }
func (p *asJSON) del(r *pb.DeleteRangeResponse)             { p.object(r) }
func (p *asJSON) txn(r *pb.TxnResponse)                     { p.object(txnObject(r)) }
func (p *asJSON) compact(_ int64, r *pb.CompactionResponse) { p.object(r) }
func (p *asJSON) grant(r *pb.LeaseGrantResponse)            { p.object(r) }
func (p *asJSON) revoke(_ int64, r *pb.LeaseRevokeResponse) { p.object(r) }

// txnReply and the two below it give the replies inside a txn's reply the form
// that etcdctl's readers know: an object named after the kind of reply.
type txnReply struct {
	Header    *pb.ResponseHeader `json:"header,omitempty"`
	Succeeded bool               `json:"succeeded,omitempty"`
	Responses []opReply          `json:"responses,omitempty"`
}

type opReply struct {
	Response opResponse `json:"Response"`
}

type opResponse struct {
	Range       *pb.RangeResponse       `json:"response_range,omitempty"`
	Put         *pb.PutResponse         `json:"response_put,omitempty"`
	DeleteRange *pb.DeleteRangeResponse `json:"response_delete_range,omitempty"`
	Txn         *txnReply               `json:"response_txn,omitempty"`
}

func txnObject(r *pb.TxnResponse) *txnReply {
	if r == nil {
		return nil
	}
	t := &txnReply{Header: r.GetHeader(), Succeeded: r.GetSucceeded()}
	for _, op := range r.GetResponses() {
		t.Responses = append(t.Responses, opReply{opResponse{
			Range: op.GetResponseRange(), Put: op.GetResponsePut(),
			DeleteRange: op.GetResponseDeleteRange(), Txn: txnObject(op.GetResponseTxn()),
		}})
	}
	return t
}
