package seam

import (
	"net/http"

	"glasskv/trace"
)

// httpWire is what the HTTP request's record needs of its connection. The zero
// value, and nil, stand for a connection that is not seen.
type httpWire struct{}

func httpWireFrom(*http.Request) *httpWire { return nil }

func (*httpWire) begun(now int64) int64 { return now }

func (*httpWire) conn() *trace.Conn { return nil }

func (*httpWire) carries(*trace.Record) {}

func (*httpWire) handled(rec *trace.Record, now int64) {
	rec.EndAt(trace.HTTPFlush, now)
	rec.Done(trace.EventWire)
}
