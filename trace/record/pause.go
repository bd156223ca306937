package record

import (
	"cmp"
	"slices"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Pause says why somebody made a request wait: a breakpoint that it is held at,
// or a fault that was switched on. Its stretch is one of Hold or of Fault.
type Pause struct {
	At       stages.Stage // the stage that would have begun
	Why      string       // WhyBreakpoint, WhyStep or WhyBehind; of a fault its name
	Ended    string       // how it went on: one of the Ended constants; empty where there is no choice
	SharedBy int          // requests that waited together; zero for one alone
}

// Pause begins a stretch of Hold or Fault that lasts until resume is called. It
// stands in the record from its begin on, open, so that a request which gives up
// meanwhile shows what it was waiting for. Resume may be called once, from any
// goroutine; ended is one of the Ended constants, or empty.
func (r *Record) Pause(s stages.Stage, begin int64, p Pause) (resume func(end int64, ended string)) {
	if r == nil {
		return func(int64, string) {}
	}
	about := &p
	r.RepeatOf(s, begin, 0, Detail{Pause: about})
	return func(end int64, ended string) {
		if rs := r.repeats.Load(); rs != nil {
			rs.resume(about, end, ended)
		}
	}
}

// resume ends the stretch that is about p, unless it was washed out of the ring.
func (rs *repeats) resume(p *Pause, end int64, ended string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	p.Ended = ended
	for _, part := range [...]*[maxRepeats]repeat{&rs.first, &rs.last} {
		for i := range part {
			if part[i].Pause == p {
				part[i].end = end
				return
			}
		}
	}
}

// pauses lists the stretches of Hold and Fault that are over, in the order of
// their begins, for those who count how long the stages took without them.
func (r *Record) pauses() (all []stretch) {
	rs := r.repeats.Load()
	if rs == nil {
		return nil
	}
	rs.each(func(one *repeat) {
		if one.Pause != nil && one.end != 0 {
			all = append(all, stretch{one.begin, one.end})
		}
	}, func(*fold) {})
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Compare(a.begin, b.begin) })
	return all
}

// stretch is a piece of time, in stamps.
type stretch struct{ begin, end int64 }

// without returns how much of a piece of time lies outside of the others, which
// are in the order of their begins and may overlap.
func without(begin, end int64, others []stretch) int64 {
	left, at := max(0, end-begin), begin
	for _, o := range others {
		from, to := max(at, o.begin), min(end, o.end)
		if from < to {
			left -= to - from
			at = to
		}
	}
	return left
}

func (p *Pause) attributes() map[string]string {
	attrs := map[string]string{trace.AttrAt: p.At.String(), trace.AttrWhy: p.Why}
	if p.Ended != "" {
		attrs[trace.AttrEnded] = p.Ended
	}
	return attrs
}

// paused finishes the row of a pause: it lies in what the stage lies in before
// which it was put.
func (a *assembly) paused(st *trace.StageTime, p *Pause) {
	st.SharedBy = p.SharedBy
	st.Parent = ""
	if parent := a.parent(stages.SpecOf(p.At)); parent != stages.None {
		st.Parent = parent.String()
	}
}
