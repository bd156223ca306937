// Package record is what is written down while a request runs, and what is kept of it
// afterwards.
//
// On the request's way only stamps happen: two loads and a store each. All else is done
// by the Recorder's worker when the request is over.
//
//	Start ─► Record ─► Begin, End, Mark … ─► Done(event) ×3 ─► ring ─► worker
//	                                                            │        ├─► subscribers, waiters
//	                                  Last, Find, Slowest ◄─────┘        ├─► slowest, histograms
//	                                                                     └─► queue ─► Outlet
//
// The parts, in the order in which a request meets them:
//
//	clock.go      the clock of all stamps, and the machine's
//	record.go     Record: a bounded set of stamps for one request; stamps.go, where they lie
//	conn.go       what requests share: a connection; batch.go, an fsync or a read round
//	repeat.go     what a streaming call passes once per message
//	embed.go      requests that the server makes to answer another one
//	recorder.go   the ring of finished records; options.go, its bounds
//	worker.go     the goroutine that follows the ring, and who is told
//	assemble.go   a Record becomes a trace.Timeline
//	outlet.go     what is exported, and the goroutine that does it
//
// It imports nothing but the standard library and golang.org/x/sys.
package record
