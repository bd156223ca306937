package hold

import (
	"slices"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// laneOf returns the goroutine that stops when a request is held at a stage.
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

// waitingSince returns the stamp since which a write has waited for a lane, or zero if it
// does not wait for it.
func waitingSince(rec *record.Record, lane control.Lane) int64 {
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

// eachBehind calls visit for every write that waits for the lane of a hold and is not
// part of the hold. since is the stamp at which its wait began.
func (h *Holds) eachBehind(req *heldRequest, visit func(rec *record.Record, since int64)) {
	h.surroundings.EachProposal(func(rec *record.Record) {
		if rec == req.rec || slices.Contains(req.batch, rec) || rec.Finished() {
			return
		}
		if since := waitingSince(rec, req.Lane); since != 0 {
			visit(rec, since)
		}
	})
}

// countBehind counts the requests that wait behind a hold. A linearizable read waits
// behind each of the shared lanes: raft's answer arrives in a Ready, and what was
// committed by then has to be applied.
func (h *Holds) countBehind(req *heldRequest) (n int) {
	if !req.Lane.Shared() {
		return 0
	}
	h.eachBehind(req, func(*record.Record, int64) { n++ })
	return n + h.surroundings.WaitingReaders(req.batch)
}

// addRowsBehind adds a row seam.hold to each write that waited behind a hold. It must be
// called by the goroutine that was held, before it does anything else. Later, some of those
// writes might have moved on.
func (h *Holds) addRowsBehind(req *heldRequest, begin int64, ended string) {
	at, _ := stages.ByName(req.Stage)
	end := record.Now()
	h.eachBehind(req, func(rec *record.Record, since int64) {
		from := max(begin, since)
		if from < end {
			rec.Pause(stages.Hold, from, record.Pause{At: at, Why: trace.WhyBehind})(end, ended)
		}
	})
}
