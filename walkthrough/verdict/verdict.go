// Package verdict says in one sentence what a request spent its time on, or
// what became of it.
//
//	verdict.go    which sentence it is; time that a breakpoint or a fault put in
//	failure.go    requests that did not end in an ordinary reply
//	largest.go    the largest contributor by the ledger, and its name in plain words
//	operation.go  what was asked, and what came of it, in a few words
package verdict

import (
	"strings"
	"unicode"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
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

// setAside takes the time out of the account that somebody made the request wait
// for. What is left is judged as if that had not been.
func (j *judge) setAside() {
	j.left = j.t.DurationNS
	for _, s := range [...]stages.Stage{stages.Hold, stages.Fault} {
		j.left -= j.waited[s.String()]
	}
}

// aside says how much of the request somebody made it wait for, and why; empty
// where nobody did.
func (j judge) aside() string {
	var parts []string
	for _, s := range [...]stages.Stage{stages.Hold, stages.Fault} {
		ns := j.waited[s.String()]
		if ns == 0 {
			continue
		}
		share := screen.RoundPercent(float64(ns) / float64(j.t.DurationNS))
		at, why := j.values(s, trace.AttrAt), j.values(s, trace.AttrWhy)
		if s == stages.Hold {
			parts = append(parts, j.lang.Say("%s of it was a breakpoint: %s at %s.", "其中 %s 是断点：%s，停在 %s。", share, screen.Duration(ns), at))
		} else {
			parts = append(parts, j.lang.Say("%s of it was an injected fault: %s, %s at %s.", "其中 %s 是人为故障：%s，%s，在 %s。",
				share, why, screen.Duration(ns), at))
		}
	}
	return strings.Join(parts, j.lang.Pick(" ", ""))
}

// longerAside is what it was made to wait for longer.
func (j judge) longerAside() string {
	if j.waited[stages.Fault.String()] > j.waited[stages.Hold.String()] {
		return stages.Fault.String()
	}
	return stages.Hold.String()
}

// values lists what an attribute says on the rows of a stage, each word once.
func (j judge) values(s stages.Stage, attribute string) string {
	const most = 3
	var all []string
	for i := range j.t.Stages {
		if st := &j.t.Stages[i]; st.Stage == s.String() {
			value := screen.Escape(st.Attributes[attribute])
			if !strings.Contains("\n"+strings.Join(all, "\n")+"\n", "\n"+value+"\n") {
				all = append(all, value)
			}
		}
	}
	if len(all) > most {
		all = append(all[:most], "…")
	}
	return strings.Join(all, ", ")
}

// withAside puts what somebody did to the request in front of the judgement of
// the rest.
func (j judge) withAside(v Verdict) Verdict {
	aside := j.aside()
	if aside == "" {
		return v
	}
	rest := v.Sentence
	if j.lang != lang.ZH {
		rest = lowerFirst(rest)
	}
	v.Sentence = aside + j.lang.Pick(" Apart from that: ", "除此之外：") + rest
	return v
}

func lowerFirst(s string) string {
	for i, r := range s {
		return string(unicode.ToLower(r)) + s[i+len(string(r)):]
	}
	return s
}
