// Package truth notes when grpc-go's own functions are entered and left. Only the copy
// of grpc-go that scripts/overlay patches calls it. It imports only the standard
// library, so that grpc-go can import it.
package truth

import (
	"slices"
	"sync/atomic"
)

// Point names one function, or one moment in it.
type Point int

// The points, in the order in which a request passes them.
const (
	HandleRawConn Point = iota
	NewHTTP2Transport
	ServeStreams
	OperateHeaders
	HandleStream
	ProcessRPC
	RecvMsg
	Unmarshal
	SendMsg
	Marshal
	WriteStatus
	Trailers    // the frame with END_STREAM goes into the write buffer
	FlushBuffer // the write buffer goes to the connection
	Nothing     // no function: for the cost of Enter itself
)

// Target is the function in which a point is.
type Target struct {
	Package string // below google.golang.org/grpc; "" is grpc itself
	Func    string // "(*Type).Method"
	If      string // note only calls for which this expression over the parameters is true; empty is always
}

// Targets are the targets of all points but Nothing.
var Targets = [...]Target{
	HandleRawConn:     {"", "(*Server).handleRawConn", ""},
	NewHTTP2Transport: {"", "(*Server).newHTTP2Transport", ""},
	ServeStreams:      {"", "(*Server).serveStreams", ""},
	OperateHeaders:    {"internal/transport", "(*http2Server).operateHeaders", ""},
	HandleStream:      {"", "(*Server).handleStream", ""},
	ProcessRPC:        {"", "(*Server).processRPC", ""},
	RecvMsg:           {"", "(*serverStream).RecvMsg", ""},
	Unmarshal:         {"encoding/proto", "(*codecV2).Unmarshal", ""},
	SendMsg:           {"", "(*serverStream).SendMsg", ""},
	Marshal:           {"encoding/proto", "(*codecV2).Marshal", ""},
	WriteStatus:       {"internal/transport", "(*http2Server).writeStatus", ""},
	Trailers:          {"internal/transport", "(*loopyWriter).writeHeader", "endStream"},
	FlushBuffer:       {"internal/transport", "(*bufWriter).flushKeepBuffer", ""},
}

// Call is one call of a function: when it was entered and when it was left.
type Call struct{ Enter, Exit int64 }

// event is a stamp, with its point, and whether the point was left, in the lowest bits.
// It is small because every byte that is written here disturbs what is measured.
type event uint64

const (
	pointBits = 5
	leaving   = 1 << pointBits
	shift     = pointBits + 1
)

var (
	events [1 << 20]event
	used   atomic.Int64
)

// Prepare sets the clock, which must be that of the stamps to compare with, and
// touches the memory of all events. It must be called before the first connection is
// accepted.
func Prepare(now func() int64) {
	clock = now
	for i := range events {
		events[i] = 1
	}
}

var clock func() int64

// Enter notes that a function was entered. It may be called concurrently.
func Enter(p Point) { note(clock(), event(p)) }

// Exit notes that a function was left. It may be called concurrently.
func Exit(p Point) { note(clock(), event(p)|leaving) }

func note(stamp int64, e event) {
	if at := used.Add(1) - 1; at < int64(len(events)) {
		events[at] = event(stamp)<<shift | e
	}
}

// Complete reports whether there was room for all events.
func Complete() bool { return used.Load() <= int64(len(events)) }

// Calls returns the calls of a function in the order of their entry. The calls must not
// have overlapped, and none may be running.
func Calls(p Point) []Call {
	var enters, exits []int64
	for _, e := range events[:min(used.Load(), int64(len(events)))] {
		stamp := int64(e >> shift)
		switch e & (1<<shift - 1) {
		case event(p):
			enters = append(enters, stamp)
		case event(p) | leaving:
			exits = append(exits, stamp)
		}
	}
	slices.Sort(enters)
	slices.Sort(exits)
	calls := make([]Call, min(len(enters), len(exits)))
	for i := range calls {
		calls[i] = Call{enters[i], exits[i]}
	}
	return calls
}
