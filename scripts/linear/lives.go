package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lives tells the clients how the server is: each start begins a life, and
// with its end everything is settled that a client had no reply to.
type lives struct {
	h       *history
	replies atomic.Int64

	mu      sync.Mutex
	current *life
}

// life is one run of the server, from before it is started until the next one
// is.
type life struct {
	ready chan struct{} // closed when it serves
	ended chan struct{} // closed when it is told to end
	next  chan struct{} // closed when there is another life
	// unsettled are the requests without reply, by their place in the history.
	unsettled []int
}

func newLife() *life {
	return &life{ready: make(chan struct{}), ended: make(chan struct{}), next: make(chan struct{})}
}

// begin is called before a server is started: from now on a request may reach it.
func (l *lives) begin() *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.current
	l.current = newLife()
	if before != nil {
		l.current.unsettled = before.unsettled
		close(before.next)
	}
	return l.current
}

// settle is called when the process of the current life is gone. What has no
// reply yet will be settled with the next one.
func (l *lives) settle() {
	l.mu.Lock()
	settled := l.current.unsettled
	l.current.unsettled = nil
	l.mu.Unlock()
	l.h.settle(settled)
}

// unsettled notes that a request had no reply. A server that lives now may yet
// carry it out.
func (l *lives) unsettled(at int) *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current.unsettled = append(l.current.unsettled, at)
	return l.current
}

// now returns the life that lasts at the moment.
func (l *lives) now() *life {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// serving waits until there is a server that serves, and reports whether there
// was one before ctx ended.
func (l *lives) serving(ctx context.Context) bool {
	for {
		life := l.now()
		select {
		case <-life.ready:
			return ctx.Err() == nil
		case <-life.next:
		case <-ctx.Done():
			return false
		}
	}
}

func (l *lives) answered() { l.replies.Add(1) }

// pause returns when it makes sense to try again: in the next life, or after a
// while when this one goes on.
func (l *life) pause(ctx context.Context) {
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-l.ended:
		select {
		case <-l.next:
		case <-ctx.Done():
		}
	case <-wait.C: // it lives and refused this one
	case <-ctx.Done():
	}
}

// awaitReplies returns when the clients have had n more replies, or the life has
// lasted as long as ctx allows.
func (l *lives) awaitReplies(ctx context.Context, n int64) error {
	enough := l.replies.Load() + n
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for l.replies.Load() < enough {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
