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

// Faults are the faults of one server. It implements control.Faulter. Its methods may be
// called by any goroutine. A nil *Faults has none; only IsOn, DelayBatch and
// DelayAccept may be called on it.
type Faults struct {
	// on has the faults that are switched on; the others are nil. While a fault is off, a
	// request's goroutine reads its entry and does nothing else.
	on [numKinds]atomic.Pointer[activeFault]

	rec     *record.Recorder
	publish func(control.Event)
	stop    chan struct{}  // closed by Close
	busy    sync.WaitGroup // the goroutines of busy-processor

	mu      sync.Mutex
	stopped bool
	chance  *rand.Rand
}

// activeFault is a fault that is switched on. To change its parameters is to switch it off
// and another one on.
type activeFault struct {
	name string
	parameters
	off     chan struct{} // closed when it is switched off
	timer   *time.Timer   // switches it off; nil if only a command does
	until   time.Time     // when the timer switches it off
	strikes atomic.Uint64 // how often it has struck
}

// Kind is one of the faults.
type Kind uint8

// The faults, and the methods by which other packages let the exported ones strike. kinds.go
// says what each of them does.
const (
	SlowWrite    Kind = iota // DelayBatch before a save
	SlowFsync                // DelayBatch after a save
	StalledApply             // Delay before an entry is applied
	SlowHandler              // Delay before a handler
	FullQuota                // AwaitPlace
	delayedAccept
	smallWindow
	busyProcessor

	numKinds
)

// maxDelay bounds every wait.
const maxDelay = 10 * time.Second

// IsOn reports whether a fault is switched on.
func (f *Faults) IsOn(k Kind) bool { return f != nil && f.on[k].Load() != nil }

// Delay makes a request wait if the fault is on and its probability lets it strike. at is
// the stage that begins after the wait. rec may be nil. It returns the stamp at which the
// request goes on: now, unless the fault struck. If now is zero, Delay takes the time
// itself when the fault strikes. The end of ctx ends the wait.
func (f *Faults) Delay(ctx context.Context, k Kind, rec *record.Record, at stages.Stage, now int64) int64 {
	active, d := f.draw(k)
	if active == nil {
		return now
	}
	if now == 0 {
		now = record.Now()
	}
	endRow := rec.Pause(stages.Fault, now, record.Pause{At: at, Why: active.name})
	ended := f.wait(ctx, active, d, nil)
	now = record.Now()
	endRow(now, ended)
	return now
}

// DelayBatch is Delay for a goroutine that works for all requests of a batch, all of which
// wait. members are those that are recorded, and shared is the number of all.
//
// The requests of the next batch wait too. Their timelines show it as a longer
// raft.waitReady and not as a row of the fault: that is what a slow disk does to them.
func (f *Faults) DelayBatch(k Kind, members []*record.Record, shared int, at stages.Stage, now int64) int64 {
	if !f.IsOn(k) {
		return now
	}
	active, d := f.draw(k)
	if active == nil {
		return now
	}
	pause := record.Pause{At: at, Why: active.name, SharedBy: shared}
	endRows := make([]func(int64, string), 0, len(members))
	for _, rec := range members {
		endRows = append(endRows, rec.Pause(stages.Fault, now, pause))
	}
	ended := f.wait(context.Background(), active, d, nil)
	now = record.Now()
	for _, endRow := range endRows {
		endRow(now, ended)
	}
	return now
}

// DelayAccept makes the accept loop wait after it has accepted a connection, if
// delayed-accept is on. It returns the stamp at which the loop goes on: now, unless the
// fault struck. The wait is in the timeline of the connection's first request. Clients that
// connect during the wait stay in the kernel's queue, where they cannot be seen.
func (f *Faults) DelayAccept(conn *record.Conn, now int64) int64 {
	if !f.IsOn(delayedAccept) {
		return now
	}
	active, d := f.draw(delayedAccept)
	if active == nil {
		return now
	}
	f.wait(context.Background(), active, d, nil)
	end := record.Now()
	addToConn(conn, active, stages.NetAccept, now, end)
	return end
}

// minWindow is the smallest window with which a client cannot get stuck. The server's grpc-go
// grants more only when it has read a quarter of its own window. A client whose window is not
// larger than that quarter may use it up first, and then waits forever.
const minWindow = frames.DefaultWindow/4 + 1

// Window returns how many bytes the client of a new connection may send before the server
// grants more, if small-window is on. Zero means that the server's own window counts.
func (f *Faults) Window(conn *record.Conn) uint32 {
	active := f.on[smallWindow].Load()
	if active == nil {
		return 0
	}
	active.strikes.Add(1)
	addToConn(conn, active, 0, 0, 0)
	return uint32(active.amount)
}

// addToConn notes on a connection that a fault has struck it. Only the goroutine that accepts
// the connection calls it.
func addToConn(conn *record.Conn, active *activeFault, at stages.Stage, begin, end int64) {
	conn.Faults = append(conn.Faults, record.ConnFault{Name: active.name, At: at, Begin: begin, End: end})
}

// wait blocks until d is over, turn is closed, or something else ends the wait. It returns
// what that was, as one of trace's Ended constants, or an empty string for d and turn.
func (f *Faults) wait(ctx context.Context, active *activeFault, d time.Duration, turn <-chan struct{}) (ended string) {
	active.strikes.Add(1)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-turn:
	case <-active.off:
		return trace.EndedCleared
	case <-ctx.Done():
		return trace.EndedGone
	case <-f.stop:
		return trace.EndedStopping
	}
	return ""
}

// draw decides whether a fault strikes this time, and for how long. If it does not strike,
// or is off, active is nil.
func (f *Faults) draw(k Kind) (active *activeFault, d time.Duration) {
	active = f.on[k].Load()
	if active == nil {
		return nil, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if active.probability < 1 && f.chance.Float64() >= active.probability {
		return nil, 0
	}
	d = active.delay.sample(f.chance)
	if d <= 0 {
		return nil, 0
	}
	return active, d
}
