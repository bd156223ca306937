package fault

import (
	"context"
	"slices"
	"sync"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Quota counts the requests of one connection that are handled while full-quota is
// on.
//
// grpc-go has such a quota of its own, of MaxConcurrentStreams. It takes from it on
// the goroutine that reads the connection, which then reads nothing more. Were this
// fault to wait there, the request under way could wait for bytes that stand behind
// the one that waits for it. So each request waits on its own goroutine, at the end of
// grpc.startHandler.
type Quota struct {
	mu      sync.Mutex
	running int
	waiting []chan struct{} // the first has waited longest
}

// take returns nil when there is room, and otherwise what is closed when it is the
// request's turn.
func (q *Quota) take(most int) chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running < most {
		q.running++
		return nil
	}
	turn := make(chan struct{})
	q.waiting = append(q.waiting, turn)
	return turn
}

// Give passes a place on to who has waited longest.
func (q *Quota) Give() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.running--
		return
	}
	close(q.waiting[0])
	q.waiting = q.waiting[1:]
}

// leave gives up waiting. It reports whether the place had come meanwhile.
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

// Queue makes a request wait for a place among those that its connection may have
// handled at once. One that has waited for the longest time goes on without. It
// returns whether the request has a place, which it gives back when it has been
// handled, and the stamp at which it goes on: now, unless it had to wait.
func (f *Faults) Queue(ctx context.Context, rec *record.Record, q *Quota, now int64) (hasPlace bool, on int64) {
	one := f.on[FullQuota].Load()
	if one == nil {
		return false, now
	}
	if turn := q.take(one.amount); turn != nil {
		resume := rec.Pause(stages.Fault, now, record.Pause{At: stages.HandleStream, Why: one.name})
		ended := f.wait(ctx, one, maxDelay, turn)
		now = record.Now()
		resume(now, ended)
		if !q.leave(turn) {
			return false, now
		}
	}
	return true, now
}
