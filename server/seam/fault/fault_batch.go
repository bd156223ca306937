package fault

import (
	"context"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

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
