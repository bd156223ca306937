// Package trace is one finished request: its Timeline, and the ledger that explains its
// time.
//
//	timeline.go  Timeline: what people are shown and programs read; keys.go, its attributes
//	part.go      requests that the server made to answer this one
//	kin.go       which stage lies in which, where several have one name
//	claims.go    what each stage claims of the request's time
//	ledger.go    the claims, tiled: no gap, no overlap
//	merge.go     the client's and the server's half become one Timeline
//	ids.go       trace and span IDs, traceparent
//
// Its rooms, each of which may import those to its left:
//
//	stages ◄─ trace ◄─ record ◄─ otlp        endpoint (over record and trace)
//
// A Timeline can be read and drawn where neither gRPC nor etcd is linked: this package
// imports nothing but stages and the standard library.
package trace
