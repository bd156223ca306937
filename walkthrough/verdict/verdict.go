// Package verdict says in one sentence what a request spent its time on, or
// what became of it.
//
//	verdict.go    which sentence it is
//	failure.go    requests that did not end in an ordinary reply
//	paused.go     time that somebody made the request wait for: a breakpoint, a fault
//	largest.go    the largest contributor by the ledger
//	phrases.go    stages and kinds of time in plain words
//	operation.go  what was asked, and what came of it, in a few words
package verdict

import (
	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// Verdict is what is said about a request.
type Verdict struct {
	Sentence string
	Explain  string // the stage to read about next; "" when there is none
}

// Of judges a timeline. Text that a client sent is escaped.
func Of(t *trace.Timeline, l lang.Lang) Verdict {
	j := judge{t: t, lang: l, waited: t.Waited()}
	j.setAside()
	if v, failed := j.failure(); failed {
		return v
	}
	if t.DurationNS <= 0 {
		return Verdict{Sentence: l.Pick("It has no duration to speak about.", "没有可以说明的时长。")}
	}
	if j.left <= 0 {
		return Verdict{Sentence: j.aside(), Explain: j.longerAside()}
	}
	if j.streaming() {
		return j.withAside(j.stream())
	}
	return j.withAside(j.largest())
}

type judge struct {
	t      *trace.Timeline
	lang   lang.Lang
	waited map[string]int64
	left   int64 // of the request's duration, when what somebody made it wait for is taken out
}

func (j judge) streaming() bool { return j.t.Streaming() }

func (j judge) share(ns int64) float64 {
	if j.left <= 0 {
		return 0
	}
	return float64(ns) / float64(j.left)
}

// top returns the stage in which the request waited longest, the unexplained
// time counted as one; of equals the one further along the path.
func (j judge) top() (name string, ns int64) {
	for _, row := range j.t.Ledger {
		if isAside(row.Stage) {
			continue
		}
		if sum := j.waited[row.Stage]; sum >= ns {
			name, ns = row.Stage, sum
		}
	}
	return name, ns
}

// isAside tells the stages that are no part of the path.
func isAside(name string) bool {
	return name == stages.Hold.String() || name == stages.Fault.String()
}

// last returns the stage that the request was in when it ended.
func (j judge) last() string {
	for i := len(j.t.Ledger) - 1; i >= 0; i-- {
		if name := j.t.Ledger[i].Stage; name != trace.Unexplained {
			return name
		}
	}
	return ""
}

// stood returns the stage in which the request was when it was given up. What
// comes after that, such as writing the status, takes no time to speak of.
func (j judge) stood() string {
	for i := len(j.t.Ledger) - 1; i >= 0; i-- {
		row := j.t.Ledger[i]
		if row.Stage != trace.Unexplained && (row.EndNS-row.BeginNS)*100 >= j.t.DurationNS {
			return row.Stage
		}
	}
	return j.last()
}

func specOf(name string) *stages.Spec {
	stage, known := stages.ByName(name)
	if !known {
		return nil
	}
	return stages.SpecOf(stage)
}

// explainable returns the name when there is a page about it.
func explainable(name string) string {
	if specOf(name) == nil {
		return ""
	}
	return name
}
