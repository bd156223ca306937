// Package verdict judges a request in one sentence: what it spent its time on, or why it
// failed.
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

// Verdict is the judgement of a request, in one language.
type Verdict struct {
	Sentence string // what a client sent is escaped in it
	Explain  string // the stage to read about next; "" for none
}

// Of judges a request. It may be called concurrently.
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
	if j.t.Streaming() {
		return j.withAside(j.stream())
	}
	return j.withAside(j.largest())
}

// judge judges one request. Durations are in nanoseconds.
type judge struct {
	t      *trace.Timeline
	lang   lang.Lang
	waited map[string]int64 // how long the request waited, by stage or trace.Unexplained
	left   int64            // the request's duration without holds and faults
}

// share returns a duration as a part of what is left, from 0 to 1.
func (j judge) share(ns int64) float64 {
	if j.left <= 0 {
		return 0
	}
	return float64(ns) / float64(j.left)
}

// top returns the stage in which the request waited longest, or trace.Unexplained if
// that was longer than any stage. Of equal ones it returns the one later on the path.
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

// isAside reports whether a stage is a hold or a fault, which are not parts of the path.
func isAside(name string) bool {
	return name == stages.Hold.String() || name == stages.Fault.String()
}

// last returns the stage in which the request ended, or "" if the ledger has none.
func (j judge) last() string {
	for i := len(j.t.Ledger) - 1; i >= 0; i-- {
		if name := j.t.Ledger[i].Stage; name != trace.Unexplained {
			return name
		}
	}
	return ""
}

// lastLong returns the stage in which the request was when it was given up: the last one
// that took at least a hundredth of its time. What comes after that, such as writing the
// status, is shorter.
func (j judge) lastLong() string {
	for i := len(j.t.Ledger) - 1; i >= 0; i-- {
		row := j.t.Ledger[i]
		if row.Stage != trace.Unexplained && (row.EndNS-row.BeginNS)*100 >= j.t.DurationNS {
			return row.Stage
		}
	}
	return j.last()
}

// specOf returns the catalogue's entry of a stage, or nil for a name that it does not
// have, such as a span of another program.
func specOf(name string) *stages.Spec {
	stage, known := stages.ByName(name)
	if !known {
		return nil
	}
	return stages.SpecOf(stage)
}

// explainable returns the name if it is that of a stage, and "" otherwise.
func explainable(name string) string {
	if specOf(name) == nil {
		return ""
	}
	return name
}

// setAside computes what is left of the request's duration without holds and faults. The
// rest is judged as if they had not been.
func (j *judge) setAside() {
	j.left = j.t.DurationNS
	for _, s := range [...]stages.Stage{stages.Hold, stages.Fault} {
		j.left -= j.waited[s.String()]
	}
}

// aside says how much of the request's duration was holds and faults, and which. It is
// "" if there were none.
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

// longerAside returns the stage seam.fault or seam.hold, whichever took longer.
func (j judge) longerAside() string {
	if j.waited[stages.Fault.String()] > j.waited[stages.Hold.String()] {
		return stages.Fault.String()
	}
	return stages.Hold.String()
}

// values lists the values of an attribute on the rows of a stage, without duplicates and
// at most three.
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

// withAside puts what aside says before the verdict on the rest.
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
