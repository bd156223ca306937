// Package truth keeps the times at which grpc-go's own functions were really
// entered and left. It is called from a copy of grpc-go that scripts/overlay
// patches while it builds, and from nowhere else; it imports nothing but the
// standard library, so that grpc-go can import it.
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
)

// Target says where a point is: in which package below google.golang.org/grpc,
// in which function, and under which condition.
type Target struct {
	Package string // "" is grpc itself
	Func    string // "(*Type).Method"
	If      string // an expression over the function's parameters; empty is always
}

// Targets holds a target for every point.
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

// Clock reads the clock that the stamps are compared with. It must be set before
// the first connection is accepted.
var Clock func() int64

type event struct {
	point Point
	exit  bool
	stamp int64
}

var (
	events [1 << 19]event
	used   atomic.Int64
)

// Enter notes that a function was entered.
func Enter(p Point) { note(p, false) }

// Exit notes that a function was left.
func Exit(p Point) { note(p, true) }

func note(p Point, exit bool) {
	stamp := Clock()
	if at := used.Add(1) - 1; at < int64(len(events)) {
		events[at] = event{p, exit, stamp}
	}
}

// Complete reports whether there was room for everything.
func Complete() bool { return used.Load() <= int64(len(events)) }

// Calls returns the calls of a function in the order of their entry. It may be
// called when nothing is under way any more; calls must not have overlapped.
func Calls(p Point) []Call {
	var enters, exits []int64
	for _, e := range events[:min(used.Load(), int64(len(events)))] {
		switch {
		case e.point != p:
		case e.exit:
			exits = append(exits, e.stamp)
		default:
			enters = append(enters, e.stamp)
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
