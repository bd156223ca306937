package hold

import (
	"slices"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// laneOf says which goroutine stands still when a request is held at a stage.
func laneOf(s stages.Stage) control.Lane {
	switch {
	case stages.SpecOf(s).Hold != stages.HoldShared:
		return control.LaneRequest
	case s == stages.RaftHandleReady || s == stages.WALSave:
		return control.LaneRaftLoop
	case s == stages.ReadIndex || s == stages.ReadWaitApplied:
		return control.LaneReadLoop
	}
	return control.LaneApply
}

// waitsFor says since when a write has waited for a lane; zero means that it does
// not.
func waitsFor(rec *record.Record, lane control.Lane) int64 {
	var waits []stages.Stage
	switch lane {
	case control.LaneRaftLoop:
		waits = []stages.Stage{stages.RaftWaitReady, stages.RaftCommit}
	case control.LaneApply:
		waits = []stages.Stage{stages.ApplyWait}
	}
	for _, s := range waits {
		if begin, end := rec.Stamps(s); begin != 0 && end == 0 {
			return begin
		}
	}
	return 0
}

// eachBehind calls visit for every write that waits for a lane and is not held
// with the others.
func (h *Holds) eachBehind(one *held, visit func(rec *record.Record, since int64)) {
	h.around.EachProposal(func(rec *record.Record) {
		if rec == one.rec || slices.Contains(one.with, rec) || rec.Finished() {
			return
		}
		if since := waitsFor(rec, one.Lane); since != 0 {
			visit(rec, since)
		}
	})
}

// countBehind counts who waits behind a request that is held. A linearizable read
// needs all of the shared goroutines: raft's answer comes with a Ready, and what is
// committed by then has to be applied.
func (h *Holds) countBehind(one *held) (n int) {
	if !one.Lane.Shared() {
		return 0
	}
	h.eachBehind(one, func(*record.Record, int64) { n++ })
	return n + h.around.Readers(one.with)
}

// markBehind tells those who waited behind a hold what they waited for. It runs on
// the goroutine that stood still, before that does anything else, so what they
// wait for has not moved on.
func (h *Holds) markBehind(one *held, begin int64, ended string) {
	at, _ := stages.ByName(one.Stage)
	end := record.Now()
	h.eachBehind(one, func(rec *record.Record, since int64) {
		from := max(begin, since)
		if from < end {
			rec.Pause(stages.Hold, from, record.Pause{At: at, Why: trace.WhyBehind})(end, ended)
		}
	})
}
