package seam

import (
	"context"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// accepted makes the accept loop wait after it has accepted a connection, and returns
// when it goes on: now, unless the fault struck. The wait stands in the timeline of the
// connection's first request. Those that connect meanwhile wait in the kernel, where
// nobody sees them.
func (f *faults) accepted(tc *record.Conn, now int64) int64 {
	if !f.isOn(delayedAccept) {
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
