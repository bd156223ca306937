package verdict

import (
	"cmp"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// tiny is the duration, in nanoseconds, below which a request has no bottleneck.
const tiny = 50_000

// dominant is the share of a kind's time above which the verdict names a single stage
// instead of the kind.
const dominant = 0.8

// kindsInOrder lists the kinds of time. Of kinds with equal sums, the first is named.
var kindsInOrder = []stages.Kind{stages.KindDisk, stages.KindNetwork, stages.KindQueue, stages.KindConsensus, stages.KindWork}

// kindTotals returns how long the request waited, by kind of time. It leaves out
// unexplained time, holds, faults, and spans that are not in the catalogue.
func (j judge) kindTotals() map[stages.Kind]int64 {
	totals := make(map[stages.Kind]int64)
	for name, ns := range j.waited {
		if spec := specOf(name); spec != nil && !isAside(name) {
			totals[spec.Kind] += ns
		}
	}
	return totals
}

// largest judges a request by the stage in which it waited longest, and by the kind of
// time on which it spent most.
func (j judge) largest() Verdict {
	l := j.lang
	name, ns := j.top()
	took, share := screen.Duration(ns), screen.RoundPercent(j.share(ns))
	if name == trace.Unexplained {
		return Verdict{Sentence: l.Say("%s is unexplained: %s (%s) passed in no stage that was seen.",
			"%s无法解释：有 %s（%s）不在任何观察到的阶段之内。", j.partWord(ns), took, share)}
	}
	if specOf(name) == nil { // a span of another program
		return Verdict{Sentence: l.Say("%s was spent in %s: %s (%s).", "%s花在 %s 上：%s（%s）。",
			j.partWord(ns), screen.Middle(screen.Escape(name), 40), took, share)}
	}
	v := Verdict{Sentence: j.kindSentence(name, ns), Explain: name}
	if j.left < tiny {
		v.Sentence = l.Say("Over in %s, too short for a bottleneck. %s", "%s 就结束了，短得谈不上瓶颈。%s",
			screen.Duration(j.left), v.Sentence)
	}
	return v
}

// kindSentence says what kind of time a stage is and how much it was. If another kind was
// more in sum, it says that too; if the stage is only a small part of its kind, it
// speaks of the kind and names the stage last.
func (j judge) kindSentence(name string, ns int64) string {
	l := j.lang
	totals := j.kindTotals()
	kind := specOf(name).Kind
	most := kind
	for _, k := range kindsInOrder {
		if totals[k] > totals[most] {
			most = k
		}
	}
	took, share := screen.Duration(ns), screen.RoundPercent(j.share(ns))
	all, allShare := screen.Duration(totals[most]), screen.RoundPercent(j.share(totals[most]))
	switch {
	case most != kind:
		return l.Say("The largest single part was %s: %s (%s) %s; %s took %s (%s).",
			"最大的单项是%s：%s（%s），%s；%s用了 %s（%s）。",
			kindPhrase(l, kind), took, share, tight(j.stagePhrase(name)), kindInAll(l, most), all, allShare)
	case float64(ns) >= dominant*float64(totals[kind]):
		return l.Say("%s was %s: %s (%s) %s.", "%s是%s：%s（%s），%s。",
			j.partWord(ns), kindPhrase(l, kind), took, share, tight(j.stagePhrase(name)))
	}
	return l.Say("%s was %s: %s (%s), above all %s %s.", "%[1]s是%[2]s：%[3]s（%[4]s），其中最多的是%[6]s，%[5]s。",
		j.partWord(totals[kind]), kindPhrase(l, kind), all, allShare, took, j.stagePhrase(name))
}

// tight removes the blank that stagePhrase puts between a Chinese word and a Latin name.
// After a punctuation mark there is none.
func tight(s string) string { return strings.TrimPrefix(s, " ") }

// partWord says in words how large a share of the request's duration ns is.
func (j judge) partWord(ns int64) string {
	l, share := j.lang, j.share(ns)
	switch {
	case share > 0.9:
		return l.Pick("Nearly all of it", "几乎全部")
	case share > 0.5:
		return l.Pick("Most of it", "大部分")
	}
	return l.Pick("The largest part", "最大的一块")
}

// stream judges a streaming call: how long it was open, what it did for most of that
// time, and where its messages waited longest.
func (j judge) stream() Verdict {
	l := j.lang
	name, ns := j.top()
	what := l.Say("in %s", "%s", screen.Escape(name))
	if name == trace.Unexplained {
		what = l.Pick("in no stage that was seen", "不在任何观察到的阶段之内")
	} else if spec := specOf(name); spec != nil {
		what = cmp.Or(chapter.TextOf(spec.Stage, l).Stream, what)
	}
	end := ""
	if j.hungUp() {
		end = l.Pick(" until the client hung up", "，由客户端挂断")
	}
	v := Verdict{
		Sentence: l.Say("A stream, open for %s%s; %s of that it was %s.", "这是一个 stream，共打开 %s%s；其中 %s 的时间%s。",
			screen.Duration(j.t.DurationNS), end, screen.RoundPercent(j.share(ns)), what),
		Explain: explainable(name),
	}
	if late, ns := j.longestDelay(); ns > 0 {
		v.Sentence += l.Say(" Its messages waited longest in %s: %s in all.", "消息在 %s 等得最久，合计 %s。", late, screen.Duration(ns))
		v.Explain = late
	}
	return v
}

// sendStages lists the stages in which a stream's message waits to be sent.
var sendStages = []stages.Stage{stages.WatchNotify, stages.WatchSend, stages.SendMsg, stages.FlowControl}

// longestDelay returns the stage in which a stream's messages waited longest, and the sum of
// their waits. If they did not wait, ns is 0.
func (j judge) longestDelay() (name string, ns int64) {
	for _, s := range sendStages {
		if s == stages.SendMsg && j.t.Find(stages.V3Watch) == nil {
			continue // other streams spend most of their time in it
		}
		if sum := j.waited[s.String()]; sum > ns {
			name, ns = s.String(), sum
		}
	}
	return name, ns
}

// stagePhrase returns the stage's phrase for the middle of a sentence. In Chinese, a
// phrase that begins with a Latin letter gets a blank before it.
func (j judge) stagePhrase(name string) string {
	text := j.phrase(name)
	if j.lang == lang.ZH && text != "" && text[0] < 0x80 {
		return " " + text
	}
	return text
}

// phrase returns what a stage is called in the middle of a sentence: the phrase of its
// chapter, or its name.
func (j judge) phrase(name string) string {
	l := j.lang
	spec := specOf(name)
	if spec == nil {
		return l.Say("in %s", "%s", screen.Escape(name))
	}
	text := cmp.Or(chapter.TextOf(spec.Stage, l).Phrase, l.Say("in %s", "%s", name))
	switch spec.Stage {
	case stages.WALSync:
		return j.fsyncPhrase(text)
	case stages.RaftWaitReady:
		return j.readyPhrase(text)
	}
	return text
}

// fsyncPhrase adds to the phrase of wal.sync how many fdatasyncs there were, or how many
// writes shared the one.
func (j judge) fsyncPhrase(text string) string {
	times := 0
	for i := range j.t.Stages {
		if j.t.Stages[i].Stage == stages.WALSync.String() {
			times++
		}
	}
	if times > 1 {
		return j.lang.Say("in %d fdatasyncs, one after the other", "先后 %d 次 fdatasync", times)
	}
	if st := j.t.Find(stages.WALSync); st != nil && st.SharedBy > 1 {
		return j.lang.Say("in one fdatasync for %d writes", "%d 个写请求共用的一次 fdatasync", st.SharedBy)
	}
	return text
}

// readyPhrase adds to the phrase of raft.waitReady how much of the wait was for the
// previous batch. Under load, that is most of the wait.
func (j judge) readyPhrase(text string) string {
	st := j.t.Find(stages.RaftWaitReady)
	if st == nil {
		return text
	}
	busy, err := strconv.ParseInt(st.Attributes[trace.AttrBusy], 10, 64)
	if err != nil || busy <= 0 { // not recorded, or recorded by another program
		return text
	}
	return text + j.lang.Say(", %s of it for the batch before", "（其中 %s 在等上一批）", screen.Duration(busy))
}

// kindPhrase returns the words for a kind of time, as they follow "was" in a sentence.
func kindPhrase(l lang.Lang, k stages.Kind) string {
	switch k {
	case stages.KindWork:
		return l.Pick("plain computing", "计算")
	case stages.KindQueue:
		return l.Pick("waiting in line", "排队等待")
	case stages.KindDisk:
		return l.Pick("the disk", "磁盘")
	case stages.KindNetwork:
		return l.Pick("the network", "网络")
	case stages.KindConsensus:
		return l.Pick("agreement in raft", " raft 共识")
	}
	return ""
}

// kindInAll returns the words for the sum of a kind of time over all its stages.
func kindInAll(l lang.Lang, k stages.Kind) string {
	switch k {
	case stages.KindWork:
		return l.Pick("computing in many small steps", "许多小步骤的计算合起来")
	case stages.KindQueue:
		return l.Pick("all the queues together", "各处排队合起来")
	case stages.KindDisk:
		return l.Pick("the disk in all", "磁盘合起来")
	case stages.KindNetwork:
		return l.Pick("the network in all", "网络合起来")
	}
	return l.Pick("agreement in all", "共识合起来")
}

// stageWithSharers returns a stage's name, with the number of requests that shared it.
func (j judge) stageWithSharers(name string) string {
	st := j.t.Stage(name)
	if st == nil || st.SharedBy <= 1 {
		return screen.Escape(name)
	}
	return j.lang.Say("%s, shared by %d", "%s（%d 个请求共用）", screen.Escape(name), st.SharedBy)
}
