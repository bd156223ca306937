// Package endpoint hands out what a recorder holds, over HTTP on a port of its
// own: never the port that is traced, or looking would change what is seen.
//
// The requests, all of them GET or HEAD:
//
//	/v1/requests?last=20             the last ones, a JSON object a line, the last one first
//	/v1/requests?slowest=20          the slowest ones, the slowest first
//	/v1/requests?last=20&origin=true with the begin of each on the machine's clock
//	/v1/requests/{trace_id}?wait=2s  one of them, waiting for it to finish
//	/v1/status                       the recorder's state in numbers
//	/v1/control/…                    what steers the server, where that is allowed; other methods as well
//
// Errors are objects with the single member "error".
package endpoint

import (
	"glasskv/trace"
	"glasskv/trace/record"
)

// Envelope is a timeline with its begin on the machine's own clock, by which a
// client on the same machine can put its part and the server's together.
type Envelope struct {
	Timeline *trace.Timeline `json:"timeline"`
	trace.Origin
}

func envelopeOf(r *record.Record) *Envelope {
	return &Envelope{Timeline: r.Timeline(), Origin: r.Origin()}
}
