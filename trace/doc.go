// Package trace knows what the stages of a request are and how one request's
// way through them is written down, added up and handed on.
//
// The parts, in the order in which a request meets them:
//
//	stage.go, catalogue*.go   every stage, declared once: name, place, edges, texts
//	clock*.go                 the one clock that all stamps share, and the machine's
//	record.go, facts.go       Record: a bounded set of stamps for one request
//	stamps.go                 where they lie: little memory for those who pass few stages
//	conn.go, batch.go         what requests share: a connection, an fsync, a read round
//	repeat.go                 what a streaming call passes once per message
//	embed.go, part.go         requests that the server makes to answer another one
//	failed.go                 connections that never carried a request
//	recorder.go, options.go   the bounded ring of finished records
//	worker.go                 who follows the ring, and who is told
//	slowest.go, lookup.go     the slowest ones, kept apart; finding a record again
//	assemble.go               a Record, once finished, becomes a Timeline
//	kin.go                    which stage lies in which, where several have one name
//	claims.go, ledger.go      a Timeline's waiting time, tiled: no gap, no overlap
//	timeline.go               Timeline: what people are shown and programs read
//	histogram.go              how long each stage took, in all requests
//	merge.go                  the client's and the server's half become one Timeline
//	sample.go, outlet.go      what is exported, and the goroutine that does it
//	spans*.go, export*.go     a Timeline becomes OpenTelemetry spans, and leaves
//	read*.go, build*.go       spans from a file become Timelines again
//	endpoint/                 finished Timelines over HTTP
//
// On the request's way only stamps happen: two loads and a store each. All
// else (assembling, the ledger, spans, export) is done by a worker when the
// request is over. The package knows neither the server nor how timelines are
// drawn.
package trace
