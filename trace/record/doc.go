// Package record writes down what happens to a request while it runs, and keeps what was
// written.
//
// A request is only stamped: a stamp reads the clock and stores a number, and never waits.
// Everything else is done by the worker of the Recorder when the request is over.
//
//	Start ─► Record ─► Begin, End, Mark … ─► Done(event) ×3 ─► ring ─► worker
//	                                                            │        ├─► subscribers, waiters
//	                            Last, WaitFor, Slowest ◄────────┘        ├─► slowest, histograms
//	                                                                     └─► queue ─► Outlet
//
// Its files, in the order in which a request meets them:
//
//	clock.go      the clock of all stamps, and the clock that processes share
//	record.go     Record: the stamps and facts of one request
//	conn.go       what requests share: a connection; a WAL save or a read round
//	repeat.go     stages that a streaming call passes once per message, and pauses
//	embed.go      requests that the server makes to answer another one; when a record is complete
//	recorder.go   Recorder: the ring of finished records, its bounds and its numbers
//	worker.go     the goroutine that processes finished records, and the one that exports them
//	lookup.go     finding finished records; keeping the slowest
//	histogram.go  how long each stage took, over all requests
//	faults.go     which faults were on while a request ran
//	assemble.go   making a trace.Timeline of a Record
//
// The package imports nothing but the standard library, golang.org/x/sys, trace and
// trace/stages.
package record
