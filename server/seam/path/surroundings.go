package path

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/raft/v3"

	"glasskv/server/control"
	"glasskv/server/etcdserver"
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
func (p *Path) LastSaved() []control.Entry { return p.loop.tail.entries() }

// Readers implements hold.Surroundings.
func (p *Path) WaitingReaders(except []*record.Record) int { return p.reading.waiting(except) }

// EachProposal implements hold.Surroundings.
func (p *Path) EachProposal(visit func(rec *record.Record)) {
	for i := range p.requests.slots {
		if rec := p.requests.slots[i].Load(); rec != nil {
			visit(rec)
		}
	}
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

// Queues implements hold.Surroundings: it measures what can pile up on a request's way.
func (p *Path) Queues(committed uint64) control.Queues {
	q := control.Queues{
		Readers: p.reading.waiting(nil), ApplyJobs: max(0, p.loop.handedOver.Load()-p.applying.jobs.Load()),
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

// patience is how long a request may take while somebody may be held.
const patience = time.Hour

// reqTimeout lets the server's own limit on a request rest while somebody may be
// held, or nobody could look at a write for longer than seven seconds. The
// client's own deadline is not touched.
func (p *Path) reqTimeout(next etcdserver.ReqTimeoutFunc) etcdserver.ReqTimeoutFunc {
	return func() time.Duration {
		if p.holds.Active() {
			return patience
		}
		return next()
	}
}
