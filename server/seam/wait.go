package seam

import (
	"glasskv/trace"

	"go.etcd.io/etcd/pkg/v3/wait"
)

// waiting observes the table in which requests wait for the result of their
// entry. Trigger runs on the apply goroutine; the handler wakes on its own.
type waiting struct {
	wait.Wait
	requests *requests
}

func (w *waiting) Trigger(id uint64, x any) {
	rec := w.requests.get(id)
	w.requests.drop(id)
	rec.Begin(trace.WaitTrigger)
	w.Wait.Trigger(id, x)
}
