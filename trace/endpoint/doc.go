// Package endpoint serves the timelines of a recorder over HTTP, and gets them from there.
// The server has a port of its own, so that looking at requests does not change what is seen
// on the port that is traced.
//
// All requests but those under /v1/control/ are GET or HEAD:
//
//	/v1/requests?last=20             the last ones, the newest first: a JSON object per line
//	/v1/requests?slowest=20          the slowest ones, the slowest first
//	/v1/requests?last=20&origin=true with the start of each on the machine's clock
//	/v1/requests/{trace_id}?wait=2s  one of them; waits for it to finish
//	/v1/status                       the recorder's state in numbers; see record.Stats
//	/v1/control/…                    steers the server, if that is allowed; see WithControl
//
// An error is an object with the single member "error".
package endpoint

import (
	"glasskv/trace"
	"glasskv/trace/record"
)

// Envelope is a timeline with its start on the clock that all processes of the machine share.
// With its Origin a client on the same machine can join its own timeline and the server's.
type Envelope struct {
	Timeline *trace.Timeline `json:"timeline"`
	trace.Origin
}

func envelopeOf(r *record.Record) *Envelope {
	return &Envelope{Timeline: r.Timeline(), Origin: r.Origin()}
}
