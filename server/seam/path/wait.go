package path

import (
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/pkg/v3/wait"
)

// waiting observes the table in which requests wait for the result of their
// entry. Trigger runs on the apply goroutine; the handler wakes on its own.
type waiting struct {
	wait.Wait
	requests *requests
	holds    *hold.Holds
}

// Trigger hands a result over, which is the last thing that apply does with an
// entry. A handler that does not wait any longer calls it as well, without a
// result, to have its place in the table cleared; its entry may still be on its
// way, and what happens to it then is still noted.
func (w *waiting) Trigger(id uint64, x any) {
	if x == nil {
		w.Wait.Trigger(id, x)
		return
	}
	rec := w.requests.get(id)
	w.requests.drop(id)
	now := record.Now()
	if _, applied := rec.Stamps(stages.ApplyEntry); applied == 0 {
		rec.EndAt(stages.ApplyEntry, now)
	}
	if w.holds.Shared(rec, stages.WaitTrigger) {
		now = record.Now()
	}
	if _, left := rec.Stamps(stages.ProcessOnce); left == 0 {
		rec.BeginAt(stages.WaitTrigger, now)
	}
	w.Wait.Trigger(id, x)
}
