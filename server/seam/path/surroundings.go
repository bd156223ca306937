package path

import (
	"cmp"
	"slices"
	"strconv"

	"go.etcd.io/raft/v3"

	"glasskv/server/control"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Raft implements hold.Surroundings.
func (p *Path) Raft() control.Raft {
	n := p.raftNode.Load()
	if n == nil {
		return control.Raft{}
	}
	return raftStatus((*n).Status())
}

// LastSaved implements hold.Surroundings.
func (p *Path) LastSaved() []control.Entry { return p.raftLoop.tail.entries() }

// WaitingReaders implements hold.Surroundings.
func (p *Path) WaitingReaders(except []*record.Record) int {
	return p.readLoop.waiting.count(except)
}

// EachProposal implements hold.Surroundings.
func (p *Path) EachProposal(visit func(rec *record.Record)) {
	for i := range p.requests.slots {
		if rec := p.requests.slots[i].Load(); rec != nil {
			visit(rec)
		}
	}
}

// raftStatus formats raft's status as etcd's log does, with IDs in hexadecimal.
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

// Queues implements hold.Surroundings.
func (p *Path) Queues(committed uint64) control.Queues {
	q := control.Queues{
		Readers:   p.WaitingReaders(nil),
		ApplyJobs: max(0, p.raftLoop.applyJobs.Load()-p.applying.jobsDone.Load()),
	}
	if applied := p.applying.applied.Load(); committed > applied && applied > 0 {
		q.Unapplied = committed - applied
	}
	p.EachProposal(func(rec *record.Record) {
		if proposed, _ := rec.Stamps(stages.RaftPropose); proposed != 0 && !rec.Finished() {
			q.Proposals++
		}
	})
	return q
}
