package lesson

import (
	"strings"

	"glasskv/trace"
)

// Request is what formulas can ask of one request. Times are in nanoseconds, shares
// between 0 and 1.
type Request struct {
	Duration  float64 `expr:"duration"`
	Explained float64 `expr:"explained"` // the part of it that stages account for
	Code      string  `expr:"code"`      // the gRPC code's name
	Message   string  `expr:"message"`   // the error's text
	Reused    bool    `expr:"reused"`    // its connection was open already
	WaitsIn   string  `expr:"waits_in"`  // the stage in which it waited longest

	Took      func(stages ...string) float64 `expr:"took"`      // how long the stages lasted
	Waited    func(stages ...string) float64 `expr:"waited"`    // how long it waited in them and in nothing further along
	Share     func(stages ...string) float64 `expr:"share"`     // waited, as a part of its duration
	Kind      func(kind string) float64      `expr:"kind"`      // the part of its duration that was of this kind
	Has       func(stage string) bool        `expr:"has"`       // it passed the stage
	Why       func(stage string) string      `expr:"why"`       // why it did not; "" where nothing is said about it
	Shared    func(stage string) int         `expr:"shared"`    // by how many requests a batch's stage was shared; 0 where it was not
	Attribute func(name string) string       `expr:"attribute"` // "" where it has none; the prefix glasskv. may be left out

	timeline *trace.Timeline
}

func newRequest(t *trace.Timeline) *Request {
	q := &one{t, t.Waited()}
	r := &Request{
		Duration: float64(t.DurationNS), Explained: t.Explained, Code: t.Code, Message: t.Message,
		Reused: t.Connection.Reused, WaitsIn: q.waitsIn(), timeline: t,
		Took: q.took, Waited: q.waitedIn, Has: q.has, Why: q.why, Shared: q.shared, Attribute: q.attribute,
	}
	r.Share = func(stages ...string) float64 { return q.part(q.waitedIn(stages...)) }
	r.Kind = func(kind string) float64 { return q.part(q.ofKind(trace.Kind(kind))) }
	return r
}

// one answers for one timeline.
type one struct {
	*trace.Timeline
	waited map[string]int64
}

func (q *one) took(stages ...string) (ns float64) {
	for _, name := range stages {
		for i := range q.Stages {
			if st := &q.Stages[i]; st.Stage == name && !st.Open {
				ns += float64(st.Took())
			}
		}
	}
	return ns
}

func (q *one) waitedIn(stages ...string) (ns float64) {
	for _, name := range stages {
		ns += float64(q.waited[name])
	}
	return ns
}

func (q *one) ofKind(kind trace.Kind) (ns float64) {
	for name, waited := range q.waited {
		if stage, known := trace.StageByName(name); known && trace.SpecOf(stage).Kind == kind {
			ns += float64(waited)
		}
	}
	return ns
}

func (q *one) part(ns float64) float64 {
	if q.DurationNS <= 0 {
		return 0
	}
	return ns / float64(q.DurationNS)
}

func (q *one) waitsIn() (name string) {
	var most int64
	for _, row := range q.Ledger { // in its order, so that equals are told apart
		if ns := q.waited[row.Stage]; ns > most {
			name, most = row.Stage, ns
		}
	}
	return name
}

func (q *one) has(stage string) bool { return q.Stage(stage) != nil }

func (q *one) why(stage string) string {
	for _, n := range q.NotReached {
		if n.Stage == stage {
			return n.Why
		}
	}
	return ""
}

func (q *one) shared(stage string) int {
	if st := q.Stage(stage); st != nil {
		return st.SharedBy
	}
	return 0
}

func (q *one) attribute(name string) string {
	if v, ok := q.Attributes[name]; ok {
		return v
	}
	return q.Attributes["glasskv."+strings.TrimPrefix(name, "glasskv.")]
}
