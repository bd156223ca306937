package verdict

import (
	"strings"
	"unicode"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

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
