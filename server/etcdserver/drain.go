package etcdserver

import (
	"sync"
	"sync/atomic"
)

// drain counts the requests that are under way, so that a stop can refuse new
// ones and wait for the rest. A request pays for it with two atomic additions.
type drain struct {
	n        atomic.Int64
	closed   atomic.Bool
	idleOnce sync.Once
	idle     chan struct{} // closed when no request is left and none can come
}

func newDrain() *drain { return &drain{idle: make(chan struct{})} }

// enter reports whether a request may run. If so, leave must follow.
func (d *drain) enter() bool {
	d.n.Add(1)
	// Counted first and checked second: close sees the count or enter sees the
	// flag, or both.
	if d.closed.Load() {
		d.leave()
		return false
	}
	return true
}

func (d *drain) leave() {
	if d.n.Add(-1) == 0 && d.closed.Load() {
		d.idleOnce.Do(func() { close(d.idle) })
	}
}

// close refuses requests from now on. It may be called more than once.
func (d *drain) close() {
	d.closed.Store(true)
	// Leaving once more than was entered would be wrong; entering and leaving
	// finds out whether nobody is left.
	d.n.Add(1)
	d.leave()
}
