package seam

import "glasskv/trace"

// delay makes the raft loop wait, and with it all requests of its batch. It returns
// when it goes on: now, unless the fault struck.
//
// Those of the next batch wait as well, in raft.waitReady and not in a row of the
// fault: that is what a slow disk does to them.
func (l *raftLoop) delay(k faultKind, at trace.Stage, now int64) int64 {
	if l.faults == nil || l.faults.on[k].Load() == nil {
		return now
	}
	one, d := l.faults.draw(k)
	if one == nil {
		return now
	}
	why := trace.Pause{At: at, Why: one.name, SharedBy: l.batch.Members()}
	resume := make([]func(int64, string), 0, len(l.members))
	begin := trace.Now()
	for _, rec := range l.members {
		resume = append(resume, rec.Pause(trace.Fault, begin, why))
	}
	ended := l.faults.wait(nil, one, d, nil)
	end := trace.Now()
	for _, r := range resume {
		r(end, ended)
	}
	return end
}
