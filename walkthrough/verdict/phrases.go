package verdict

import (
	"cmp"
	"strconv"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// stagePhrase says what a stage is, with how many it was shared. In Chinese a
// Latin name keeps its distance from what stands before it.
func (j judge) stagePhrase(name string) string {
	text := j.phrase(name)
	if j.lang == lang.ZH && text != "" && text[0] < 0x80 {
		return " " + text
	}
	return text
}

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

// fsyncPhrase says of how many writes or in how many steps the log was synced; alone
// is the phrase for one fdatasync of one write.
func (j judge) fsyncPhrase(alone string) string {
	times := 0
	for i := range j.t.Stages {
		if j.t.Stages[i].Stage == stages.WALSync.String() {
			times++
		}
	}
	if times > 1 {
		return j.lang.Say("in %d fdatasyncs, one after the other", "先后 %d 次 fdatasync", times)
	}
	if st := j.t.Stage(stages.WALSync.String()); st != nil && st.SharedBy > 1 {
		return j.lang.Say("in one fdatasync for %d writes", "%d 个写请求共用的一次 fdatasync", st.SharedBy)
	}
	return alone
}

// readyPhrase says of the wait for a Ready how much of it the batch before took:
// that is where it comes from under load.
func (j judge) readyPhrase(text string) string {
	st := j.t.Stage(stages.RaftWaitReady.String())
	if st == nil {
		return text
	}
	busy, err := strconv.ParseInt(st.Attributes[trace.AttrBusy], 10, 64)
	if err != nil || busy <= 0 { // not known, or of a file that somebody else wrote
		return text
	}
	return text + j.lang.Say(", %s of it for the batch before", "（其中 %s 在等上一批）", screen.Duration(busy))
}

// kindPhrase says what a kind of time is.
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

// kindInAll says what a kind of time is when all of its stages are added up.
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

// place names a stage and says with how many it is shared.
func (j judge) place(name string) string {
	st := j.t.Stage(name)
	if st == nil || st.SharedBy <= 1 {
		return screen.Escape(name)
	}
	return j.lang.Say("%s, shared by %d", "%s（%d 个请求共用）", screen.Escape(name), st.SharedBy)
}
