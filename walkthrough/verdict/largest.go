package verdict

import (
	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// tiny is the duration, in nanoseconds, below which nothing is worth a search.
const tiny = 50_000

// dominant is the part of a kind's time above which one stage stands for it.
const dominant = 0.8

// kindTotal is a kind of time with its largest stage.
type kindTotal struct {
	kind    trace.Kind
	ns      int64
	stage   string
	stageNS int64
}

// kinds adds up the ledger by kind of time. Time that no stage explains and
// spans that the catalogue does not know are left out.
func (j judge) kinds() (largest kindTotal) {
	totals := make(map[trace.Kind]*kindTotal)
	seen := make(map[string]bool)
	for _, row := range j.t.Ledger {
		spec := specOf(row.Stage)
		if spec == nil || seen[row.Stage] {
			continue
		}
		seen[row.Stage] = true
		k := totals[spec.Kind]
		if k == nil {
			k = &kindTotal{kind: spec.Kind}
			totals[spec.Kind] = k
		}
		ns := j.waited[row.Stage]
		k.ns += ns
		if ns > k.stageNS {
			k.stage, k.stageNS = row.Stage, ns
		}
	}
	for _, kind := range []trace.Kind{trace.KindDisk, trace.KindNetwork, trace.KindQueue, trace.KindConsensus, trace.KindWork} {
		if k := totals[kind]; k != nil && k.ns > largest.ns {
			largest = *k
		}
	}
	return largest
}

// largest says which kind of time the most was, and where in it.
func (j judge) largest() Verdict {
	l := j.lang
	k := j.kinds()
	name, ns := j.top()
	if name == trace.Unexplained && ns > k.ns {
		return Verdict{Sentence: l.Say(
			"%s is unexplained: %s (%s) passed in no stage that was seen.",
			"%[1]s无法解释：有 %[2]s（%[3]s）不在任何观察到的阶段之内。",
			j.partWord(ns), screen.Duration(ns), screen.RoundPercent(j.share(ns)))}
	}
	if specOf(name) == nil && ns > k.ns { // a span of another program
		return Verdict{Sentence: l.Say("%s was spent in %s: %s (%s).", "%[1]s花在 %[2]s 上：%[3]s（%[4]s）。",
			j.partWord(ns), screen.Escape(name), screen.Duration(ns), screen.RoundPercent(j.share(ns)))}
	}
	v := Verdict{Sentence: j.kindSentence(k), Explain: explainable(k.stage)}
	if j.t.DurationNS < tiny && j.t.Observer == trace.ObserverServer {
		v.Sentence = l.Say("Over in %s, too short for a bottleneck. ", "%s 就结束了，短得谈不上瓶颈。", screen.Duration(j.t.DurationNS)) + v.Sentence
	}
	return v
}

// kindSentence is the ordinary verdict.
func (j judge) kindSentence(k kindTotal) string {
	l := j.lang
	part, share := j.partWord(k.ns), screen.RoundPercent(j.share(k.ns))
	if float64(k.stageNS) >= dominant*float64(k.ns) {
		return l.Say("%s was %s: %s (%s) %s.", "%[1]s是%[2]s：%[3]s（%[4]s），%[5]s。",
			part, kindPhrase(l, k.kind), screen.Duration(k.ns), share, j.stagePhrase(k.stage))
	}
	return l.Say("%s was %s: %s (%s), above all %s %s.", "%[1]s是%[2]s：%[3]s（%[4]s），其中最多的是%[6]s，%[5]s。",
		part, kindPhrase(l, k.kind), screen.Duration(k.ns), share, screen.Duration(k.stageNS), j.stagePhrase(k.stage))
}

// partWord says how large a part of the whole is.
func (j judge) partWord(ns int64) string { return partWord(j.lang, j.share(ns)) }

func partWord(l lang.Lang, share float64) string {
	switch {
	case share > 0.9:
		return l.Pick("Nearly all of it", "几乎全部")
	case share > 0.5:
		return l.Pick("Most of it", "大部分")
	}
	return l.Pick("The largest part", "最大的一块")
}

// stream says how long a streaming call was open and what for.
func (j judge) stream() Verdict {
	l := j.lang
	name, ns := j.top()
	what := l.Say("in %s", "%s", screen.Escape(name))
	switch name {
	case trace.RecvMsg.String():
		what = l.Pick("waiting for the client's next message", "等待客户端的下一条消息")
	case trace.Unexplained:
		what = l.Pick("in no stage that was seen", "不在任何观察到的阶段之内")
	case trace.GRPCHandler.String():
		what = l.Pick("in the handler, mostly waiting for something to report", "在处理函数里，多半是在等有新内容可发")
	}
	return Verdict{
		Sentence: l.Say("A stream, open for %s; %s of that it was %s.", "这是一个 stream，共打开 %[1]s，其中 %[2]s 的时间%[3]s。",
			screen.Duration(j.t.DurationNS), screen.RoundPercent(j.share(ns)), what),
		Explain: explainable(name),
	}
}
