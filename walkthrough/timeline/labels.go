package timeline

import (
	"strconv"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// longestWhy bounds an error's text beside a bar, in columns.
const longestWhy = 60

// labels are what one has to know even where there is no room for a note.
func (b *builder) labels(n *node, r *row) (out []string) {
	add := func(en, zh string, args ...any) { out = append(out, b.lang.Say(en, zh, args...)) }
	first := n.times[0]
	if first.SharedBy > 1 {
		r.short = "×" + strconv.Itoa(first.SharedBy)
		add("shared by %d", "%d 个请求共用", first.SharedBy)
	}
	if times := repeats(n); times > 1 {
		r.short = "×" + strconv.Itoa(times)
		add("%s times", "%s 次", grouped(times))
	}
	if added := addedUp(n); added > 0 {
		add("%s of them added up", "其中 %s 次合并画出", grouped(added))
	}
	if attempts := first.Attributes[trace.AttrAttempts]; attempts != "" {
		add("accept failed %s times", "accept 失败 %s 次", screen.Escape(attempts))
	}
	for _, why := range []string{first.Attributes[trace.AttrError], first.Attributes[trace.AttrFailure]} {
		if why != "" {
			out = append(out, screen.Cut(screen.Escape(why), longestWhy))
		}
	}
	if version := first.Attributes[trace.AttrTLSVersion]; version != "" {
		out = append(out, screen.Escape(version))
	}
	out = append(out, b.pausedAt(n, r)...)
	if behind := b.t.Attributes[trace.AttrBehind]; behind != "" && n.name() == stages.ApplyQueue.String() {
		if count, err := strconv.Atoi(behind); err == nil && count > 0 {
			add("behind %d others", "前面有 %d 个", count)
		}
	}
	if busy, err := strconv.ParseInt(first.Attributes[trace.AttrBusy], 10, 64); err == nil && busy > 0 {
		add("%s of it the batch before", "其中 %s 在等上一批", screen.Duration(busy))
	}
	if first.Node != "" && first.Scope == stages.ScopePeer {
		out = append(out, screen.Escape(first.Node))
	}
	if r.open && isLife(first) {
		add("lives on", "仍在继续")
	} else if r.open {
		add("had not ended", "尚未结束")
	}
	return out
}

// repeats counts how often a stage happened, those included that were counted
// and not kept.
func repeats(n *node) int {
	times := 0
	for _, st := range n.times {
		times += max(1, st.Count)
	}
	return times
}

// grouped writes a number of things: 1,204.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// addedUp counts those that were not kept one by one.
func addedUp(n *node) (times int) {
	for _, st := range n.times {
		if st.Count > 1 {
			times += st.Count
		}
	}
	return times
}
