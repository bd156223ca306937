package seam

import (
	"context"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// delay makes the raft loop wait, and with it all requests of its batch. It returns
// when it goes on: now, unless the fault struck.
//
// Those of the next batch wait as well, in raft.waitReady and not in a row of the
// fault: that is what a slow disk does to them.
func (l *raftLoop) delay(k faultKind, at stages.Stage, now int64) int64 {
	if !l.faults.isOn(k) {
		return now
	}
	one, d := l.faults.draw(k)
	if one == nil {
		return now
	}
	why := record.Pause{At: at, Why: one.name, SharedBy: l.batch.Members()}
	resume := make([]func(int64, string), 0, len(l.members))
	for _, rec := range l.members {
		resume = append(resume, rec.Pause(stages.Fault, now, why))
	}
	ended := l.faults.wait(context.Background(), one, d, nil)
	now = record.Now()
	for _, r := range resume {
		r(now, ended)
	}
	return now
}
