package ctl

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// The formats of --write-out.
const (
	formatSimple = "simple"
	formatJSON   = "json"
	formatFields = "fields"
)

// printer shows replies in one of the formats.
type printer interface {
	put(*pb.PutResponse)
	get(*pb.RangeResponse)
	del(*pb.DeleteRangeResponse)
	txn(*pb.TxnResponse)
	compact(revision int64, resp *pb.CompactionResponse)
	grant(*pb.LeaseGrantResponse)
	revoke(id int64, resp *pb.LeaseRevokeResponse)
	// err returns the first error of writing.
	err() error
}

func (c *ctl) newPrinter(w io.Writer) (printer, error) {
	p := &page{w: w, hex: c.hex}
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

// page is what a printer writes on. After an error it stays as it is.
type page struct {
	w      io.Writer
	hex    bool
	failed error
}

func (p *page) err() error { return p.failed }

func (p *page) printf(format string, args ...any) {
	if p.failed == nil {
		_, p.failed = fmt.Fprintf(p.w, format, args...)
	}
}

// text returns what the user stored, as it is or, on demand, escaped.
func (p *page) text(b []byte) string {
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
