package seam

import (
	"cmp"
	"slices"
	"strconv"

	"glasskv/server/control"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
)

// Hold implements control.Holder. The goroutines, raft and the queues are looked at
// now; the timeline is that of the moment at which the request was held.
func (h *holds) Hold(id int) (*control.Report, error) {
	h.mu.Lock()
	one, err := h.find(id)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	report := &control.Report{Hold: h.describe(one), Timeline: one.timeline}
	h.mu.Unlock()

	report.Goroutines = stacks(one.goroutine)
	report.WAL = h.o.loop.tail.entries()
	if n := h.o.raftNode.Load(); n != nil {
		report.Raft = raftStatus((*n).Status())
	}
	report.Queues = h.o.queues(report.Raft.Commit)
	return report, nil
}

// raftStatus writes what raft says of itself as etcd's log does.
func raftStatus(st raft.Status) control.Raft {
	hex := func(id uint64) string { return strconv.FormatUint(id, 16) }
	out := control.Raft{
		ID: hex(st.ID), State: st.RaftState.String(), Term: st.GetTerm(), Leader: hex(st.Lead),
		Commit: st.GetCommit(), Applied: st.Applied,
	}
	for id, p := range st.Progress {
		out.Progress = append(out.Progress, control.Progress{ID: hex(id), Match: p.Match, Next: p.Next, State: p.State.String()})
		if id == st.ID {
			out.LastIndex = p.Next - 1
		}
	}
	slices.SortFunc(out.Progress, func(a, b control.Progress) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// queues measures what can pile up on a request's way.
func (o *Observer) queues(committed uint64) control.Queues {
	stats := o.rec.Stats()
	q := control.Queues{
		Readers: o.reading.waiting(nil), Requests: stats.Live, RecordsLeft: stats.Finished - min(stats.Finished, stats.Seen),
		ApplyJobs: max(0, o.loop.handedOver.Load()-o.applying.jobs.Load()),
	}
	if applied := o.applying.applied.Load(); committed > applied && applied > 0 {
		q.Unapplied = committed - applied
	}
	for i := range o.requests.slots {
		rec := o.requests.slots[i].Load()
		if proposed, _ := rec.Stamps(stages.RaftPropose); proposed != 0 && !rec.Finished() {
			q.Proposals++
		}
	}
	return q
}
