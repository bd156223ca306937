package fault

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/frames"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Faults make requests wait as they would wait if something were wrong. The seams
// ask at the places where it could be; a fault only waits there, so nothing is lost
// and nothing is acknowledged early.
//
//	fault.go         waiting
//	fault_kinds.go   which faults there are, and what they are set with
//	fault_delay.go   how long, which may be left to chance
//	fault_switch.go  on and off
//	fault_batch.go   the raft loop's, where a whole batch waits
//	fault_accept.go  the accept loop's
//	fault_quota.go   a connection that may have only so many requests handled at once
//	fault_window.go  a client that may send only so much at once
//	fault_busy.go    goroutines that keep the processors busy
type Faults struct {
	// on holds what is switched on. A load of one of these is all that a request's way
	// meets while nothing is.
	on [numFaults]atomic.Pointer[active]

	rec  *record.Recorder
	tell func(control.Event)
	stop chan struct{} // closed when nobody may wait any more
	busy sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	chance  *rand.Rand
}

// active is a fault that is switched on.
type active struct {
	name string
	parameters
	off   chan struct{} // closed when it is switched off, or changed
	timer *time.Timer   // switches it off; nil where nothing but a command does
	until time.Time     // when the timer does
	times atomic.Uint64 // how often it has struck
}

// faultKind numbers the faults.
type Kind uint8

const (
	SlowWrite Kind = iota
	SlowFsync
	StalledApply
	SlowHandler
	FullQuota
	delayedAccept
	smallWindow
	busyProcessor

	numFaults
)

// maxDelay bounds every wait that a fault puts in.
const maxDelay = 10 * time.Second

// IsOn reports whether a fault is switched on. With a nil f there are no faults.
func (f *Faults) IsOn(k Kind) bool { return f != nil && f.on[k].Load() != nil }

// Delay makes the request wait if the fault is on and chance has it. It returns the
// stamp at which the request goes on: now, unless the fault struck. A now of zero is
// the moment of the wait. The context ends the wait; on a goroutine that requests
// share it is the background. The stage is the one that would have begun; the record
// may be nil.
func (f *Faults) Delay(ctx context.Context, k Kind, rec *record.Record, at stages.Stage, now int64) int64 {
	one, d := f.draw(k)
	if one == nil {
		return now
	}
	if now == 0 {
		now = record.Now()
	}
	resume := rec.Pause(stages.Fault, now, record.Pause{At: at, Why: one.name})
	ended := f.wait(ctx, one, d, nil)
	now = record.Now()
	resume(now, ended)
	return now
}

// wait stands still until the time is up or something else ends it, and says what. A
// turn that comes ends it as well.
func (f *Faults) wait(ctx context.Context, one *active, d time.Duration, turn <-chan struct{}) (ended string) {
	one.times.Add(1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-turn:
	case <-one.off:
		return trace.EndedCleared
	case <-ctx.Done():
		return trace.EndedGone
	case <-f.stop:
		return trace.EndedStopping
	}
	return ""
}

// draw decides whether a fault strikes this time, and for how long. It returns nil
// when it does not.
func (f *Faults) draw(k Kind) (*active, time.Duration) {
	one := f.on[k].Load()
	if one == nil { // it was switched off this moment
		return nil, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.probability < 1 && f.chance.Float64() >= one.probability {
		return nil, 0
	}
	d := one.delay.sample(f.chance)
	if d <= 0 {
		return nil, 0
	}
	return one, d
}

// DelayBatch makes a goroutine wait that works for all requests of a batch, and with
// it all of them: the members are those that are recorded, shared counts the others
// too. It returns when the goroutine goes on: now, unless the fault struck.
//
// The requests of the next batch wait as well, in raft.waitReady and not in a row of
// the fault: that is what a slow disk does to them.
func (f *Faults) DelayBatch(k Kind, members []*record.Record, shared int, at stages.Stage, now int64) int64 {
	if !f.IsOn(k) {
		return now
	}
	one, d := f.draw(k)
	if one == nil {
		return now
	}
	why := record.Pause{At: at, Why: one.name, SharedBy: shared}
	resume := make([]func(int64, string), 0, len(members))
	for _, rec := range members {
		resume = append(resume, rec.Pause(stages.Fault, now, why))
	}
	ended := f.wait(context.Background(), one, d, nil)
	now = record.Now()
	for _, r := range resume {
		r(now, ended)
	}
	return now
}

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
