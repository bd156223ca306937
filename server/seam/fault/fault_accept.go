package fault

import (
	"context"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Accepted makes the accept loop wait after it has accepted a connection, and returns
// when it goes on: now, unless the fault struck. The wait stands in the timeline of the
// connection's first request. Those that connect meanwhile wait in the kernel, where
// nobody sees them.
func (f *Faults) Accepted(tc *record.Conn, now int64) int64 {
	if !f.IsOn(delayedAccept) {
		return now
	}
	one, d := f.draw(delayedAccept)
	if one == nil {
		return now
	}
	f.wait(context.Background(), one, d, nil)
	end := record.Now()
	strikeConn(tc, one, stages.NetAccept, now, end)
	return end
}

// MinWindow is the smallest window with which a client cannot get stuck. grpc-go
// grants more when a quarter of its own window was read, so a client whose window is
// smaller than that would be out of it before the server sees a reason to grant any.
const MinWindow = frames.DefaultWindow/4 + 1

// Window returns how many bytes a client that connects now may send before it is
// granted more, if the fault small-window is on; zero means as many as the server
// says. That the fault struck is noted on the connection.
func (f *Faults) Window(tc *record.Conn) uint32 {
	one := f.on[smallWindow].Load()
	if one == nil {
		return 0
	}
	one.times.Add(1)
	strikeConn(tc, one, 0, 0, 0)
	return uint32(one.amount)
}
