package fault

import (
	"context"
	"slices"
	"sync"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Quota counts the requests of one connection that are handled while full-quota is on. The
// zero value is ready to use.
//
// grpc-go has a quota of its own, MaxConcurrentStreams. When that is full, the goroutine
// that reads the connection waits, and reads nothing more. If this fault waited there too,
// it could wait forever: a request that occupies a place may itself wait for bytes that
// have not been read yet. So with this fault each request waits on its own goroutine, at
// the end of grpc.startHandler.
type Quota struct {
	mu      sync.Mutex
	running int
	waiting []chan struct{} // closed when it is the request's turn; the longest wait first
}

// acquire takes a place if fewer than limit requests have one, and returns nil. Otherwise it
// returns a channel that is closed when the request gets a place.
func (q *Quota) acquire(limit int) (turn chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < limit {
		q.running++
		return nil
	}
	turn = make(chan struct{})
	q.waiting = append(q.waiting, turn)
	return turn
}

// Release gives a place to the request that has waited longest, or back if none waits. The
// seams call it when a request that got a place by AwaitPlace has been handled.
func (q *Quota) Release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running--
		return
	}
	close(q.waiting[0])
	q.waiting = q.waiting[1:]
}

// leave ends the wait for turn. It reports whether the request has got a place.
func (q *Quota) leave(turn chan struct{}) (hasPlace bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := slices.Index(q.waiting, turn)
	if at < 0 {
		return true
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	return false
}

// AwaitPlace makes a request wait until it gets a place in its connection's quota, if
// full-quota is on. It reports whether the request has a place, for which Release must be
// called. It has none if the fault is off, or if the wait ended otherwise: after ten
// seconds, or with ctx. It returns the stamp at which the request goes on: now, unless it
// had to wait.
func (f *Faults) AwaitPlace(ctx context.Context, rec *record.Record, q *Quota, now int64) (hasPlace bool, on int64) {
	active := f.on[FullQuota].Load()
	if active == nil {
		return false, now
	}
	if turn := q.acquire(active.amount); turn != nil {
		endRow := rec.Pause(stages.Fault, now, record.Pause{At: stages.HandleStream, Why: active.name})
		ended := f.wait(ctx, active, maxDelay, turn)
		now = record.Now()
		endRow(now, ended)
		if !q.leave(turn) {
			return false, now
		}
	}
	return true, now
}
