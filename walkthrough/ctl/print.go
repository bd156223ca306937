package ctl

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// The formats of --write-out.
const (
	formatSimple = "simple"
	formatJSON   = "json"
	formatFields = "fields"
)

// printer prints replies in one of the formats.
type printer interface {
	put(*pb.PutResponse)
	get(*pb.RangeResponse)
	del(*pb.DeleteRangeResponse)
	txn(*pb.TxnResponse)
	compact(revision int64, resp *pb.CompactionResponse)
	grant(*pb.LeaseGrantResponse)
	revoke(id int64, resp *pb.LeaseRevokeResponse)
	// err returns the first error of writing, or nil.
	err() error
}

func (c *ctl) newPrinter(w io.Writer) (printer, error) {
	p := &output{w: w, hex: c.hex}
	switch c.writeOut {
	case formatSimple:
		return &simple{p, c.valueOnly}, nil
	case formatJSON:
		return &asJSON{p}, nil
	case formatFields:
		return &fields{p}, nil
	}
	return nil, fmt.Errorf("--write-out %q: use simple, json or fields", c.writeOut)
}

// output is what printers write to. After the first error it writes nothing more.
type output struct {
	w        io.Writer
	hex      bool
	firstErr error
}

func (p *output) err() error { return p.firstErr }

func (p *output) printf(format string, args ...any) {
	if p.firstErr == nil {
		_, p.firstErr = fmt.Fprintf(p.w, format, args...)
	}
}

// text returns a key or a value, unchanged or, with --hex, escaped byte by byte.
func (p *output) text(b []byte) string {
	if !p.hex {
		return string(b)
	}
	digits := hex.EncodeToString(b)
	var out strings.Builder
	for i := 0; i < len(digits); i += 2 {
		out.WriteString(`\x` + digits[i:i+2])
	}
	return out.String()
}

// simple is the default format: a key on one line, its value on the next.
type simple struct {
	*output
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
		printOp(p, op)
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

// printOp prints the reply of one request inside a txn.
func printOp(p printer, op *pb.ResponseOp) {
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

// fields prints all fields of a reply, one per line.
type fields struct{ *output }

func (p *fields) header(h *pb.ResponseHeader) {
	if p.hex {
		p.printf("\"ClusterID\" : %x\n\"MemberID\" : %x\n", h.GetClusterId(), h.GetMemberId())
	} else {
		p.printf("\"ClusterID\" : %d\n\"MemberID\" : %d\n", h.GetClusterId(), h.GetMemberId())
	}
	if h.GetRevision() > 0 { // replies that do not concern keys have no revision
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
		printOp(p, op)
	}
}

func (p *fields) compact(_ int64, r *pb.CompactionResponse) { p.header(r.GetHeader()) }

func (p *fields) grant(r *pb.LeaseGrantResponse) {
	p.header(r.GetHeader())
	p.printf("\"ID\" : "+p.leaseVerb()+"\n\"TTL\" : %d\n", r.GetID(), r.GetTTL())
}

func (p *fields) revoke(_ int64, r *pb.LeaseRevokeResponse) { p.header(r.GetHeader()) }

// asJSON prints a reply as one JSON object on one line, with the protocol's field
// names and with keys and values in base64.
type asJSON struct{ *output }

func (p *asJSON) object(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		p.firstErr = err
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

// txnReply, opReply and opResponse have the JSON form in which etcdctl prints the
// reply of a txn: each inner reply is an object named after its kind.
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
