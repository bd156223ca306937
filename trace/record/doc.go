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
//	record.go     Record: a bounded set of stamps and facts for one request
//	conn.go       what requests share: a connection; an fsync or a read round
//	repeat.go     what a streaming call passes once per message, and pauses
//	embed.go      requests that the server makes to answer another one
//	recorder.go   the ring of finished records, its bounds and its numbers
//	worker.go     the goroutine that follows the ring, and the one that exports
//	lookup.go     finding finished records; the slowest of them
//	histogram.go  how long the stages took, over all requests
//	assemble.go   a Record becomes a trace.Timeline
//
// It imports nothing but the standard library and golang.org/x/sys.
package record
