// Package trace knows what the stages of a request are and how one request's
// way through them is written down, added up and handed on.
//
// The parts, in the order in which a request meets them:
//
//	stage.go, catalogue*.go  every stage, declared once: name, place, edges, texts
//	clock.go                 the one clock that all stamps share
//	record.go                Record: a fixed-size set of stamps for one request
//	conn.go, batch.go        what requests share: a connection, an fsync, a read round
//	recorder.go              the bounded ring of finished records and its worker
//	assemble.go              a Record, once finished, becomes a Timeline
//	ledger.go                a Timeline's waiting time, tiled: no gap, no overlap
//	timeline.go              Timeline: what people are shown and programs read
//	spans.go, export*.go     a Timeline becomes OpenTelemetry spans, and leaves
//	read*.go                 spans from a file become Timelines again
//
// On the request's way only stamps happen: two loads and a store each. All
// else (assembling, the ledger, spans, export) is done by a worker when the
// request is over. The package knows neither the server nor how timelines are
// drawn.
package trace
