package timeline

import (
	"slices"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// row is a line of the waterfall: a stage, or one of three that are not: a part,
// the unexplained time, or a word about rows that are left out.
type row struct {
	guide  string // the tree's lines in front of the name
	name   string
	spec   *stages.Spec // nil if the catalogue does not know the stage
	under  []Interval   // when it was under way
	waits  []Interval   // when the request waited in it
	took   int64        // nanoseconds
	waited int64        // nanoseconds
	sign   string       // signNear, signInferred, or "" for exact edges
	labels []string
	short  string // the first label, as a sign for which there is always room
	note   string
	open   bool // it goes on beyond the request
	entry  int  // its index in the outline

	part        bool // it is a request that the server made itself
	unexplained bool // it is the time that no stage explains
	hidden      int  // it says that so many rows are left out
}

// The signs for edges that are not exact.
const (
	signNear     = "≈"
	signInferred = "~"
)

// signNearFrom is the error of a stage's edges, as a part of its length, above which
// the stage gets signNear.
const signNearFrom = 0.05

// builder turns nodes into rows.
type builder struct {
	t      *trace.Timeline
	lang   lang.Lang
	indent int                          // columns for each level of the tree
	limit  int                          // how many rows to make
	ledger map[string][]trace.LedgerRow // by stage
	rows   []*row
	more   int // nodes beyond the limit
	next   int // index in the outline of the next node
}

func newBuilder(t *trace.Timeline, l lang.Lang) *builder {
	b := &builder{t: t, lang: l, ledger: make(map[string][]trace.LedgerRow)}
	for _, row := range t.Ledger {
		b.ledger[row.Stage] = append(b.ledger[row.Stage], row)
	}
	return b
}

// maxGuide bounds the tree's lines in front of a name, in columns. Deeper nodes are
// indented no further.
const maxGuide = 24

// walk adds rows for the nodes and all below them. Guide is the tree's lines in
// front of the nodes' parent.
func (b *builder) walk(nodes []*node, guide string, top bool) {
	for i, n := range nodes {
		own, below := guide, guide
		if !top && screen.Width(guide) < maxGuide {
			last := i == len(nodes)-1
			own += branch(last, b.indent)
			below += stem(last, b.indent)
		}
		if len(b.rows) < b.limit {
			r := b.row(n, own)
			r.entry = b.next
			b.rows = append(b.rows, r)
		} else {
			b.more++
		}
		b.next++
		b.walk(n.children, below, false)
	}
}

func branch(last bool, indent int) string {
	if last {
		return "└" + screen.Blank(indent-1)
	}
	return "├" + screen.Blank(indent-1)
}

func stem(last bool, indent int) string {
	if last {
		return screen.Blank(indent)
	}
	return "│" + screen.Blank(indent-1)
}

// row returns the row of one node.
func (b *builder) row(n *node, guide string) *row {
	if n.part != nil {
		return b.partRow(n, guide)
	}
	r := &row{guide: guide, name: screen.Escape(n.name()), took: n.took()}
	if stage, known := stages.ByName(n.name()); known {
		r.spec = stages.SpecOf(stage)
		r.note = chapter.TextOf(r.spec.Stage, b.lang).Note
	}
	for _, st := range n.times {
		r.under = append(r.under, Interval{st.BeginNS, st.EndNS})
		r.open = r.open || st.Open
		r.sign = lessExact(r.sign, signOf(r.spec, st))
	}
	r.waits = b.waits(n)
	for _, w := range r.waits {
		r.waited += w.End - w.Begin
	}
	b.noteHeld(n, r)
	r.labels = b.labels(n, r)
	return r
}

// waits returns the times at which the request waited in a node: the ledger's rows for
// its stage, cut to the times of the node, since another node may have the same stage.
func (b *builder) waits(n *node) (out []Interval) {
	for _, l := range b.ledger[n.name()] {
		for _, st := range n.times {
			if begin, end := max(l.BeginNS, st.BeginNS), min(l.EndNS, st.EndNS); begin < end {
				out = append(out, Interval{begin, end})
			}
		}
	}
	return out
}

// signOf returns the sign for the edges of a stage; "" if they are exact, or if their
// error is too small to matter.
func signOf(spec *stages.Spec, st *trace.StageTime) string {
	if st.BeginEdge == stages.Inferred || st.EndEdge == stages.Inferred {
		return signInferred
	}
	if spec == nil {
		return ""
	}
	var errorNS int64
	if st.BeginEdge == stages.Near {
		errorNS += spec.Begin.ErrorNS
	}
	if st.EndEdge == stages.Near {
		errorNS += spec.End.ErrorNS
	}
	if errorNS > 0 && float64(errorNS) > signNearFrom*float64(st.Duration()) {
		return signNear
	}
	return ""
}

// lessExact returns the sign of the two that is for less exact edges.
func lessExact(a, b string) string {
	if a == signInferred || b == "" {
		return a
	}
	return b
}

// unexplainedRow returns the row of the time that no stage explains.
func (b *builder) unexplainedRow() *row {
	r := &row{name: b.lang.Pick(trace.Unexplained, "未解释"), unexplained: true}
	for _, l := range b.ledger[trace.Unexplained] {
		r.waits = append(r.waits, Interval{l.BeginNS, l.EndNS})
		r.took += l.EndNS - l.BeginNS
	}
	r.waited = r.took
	return r
}

// role returns the colour of the row's bar.
func (r *row) role() screen.Role {
	switch {
	case r.unexplained:
		return screen.Unknown
	case r.spec == nil:
		return screen.Plain
	}
	return screen.RoleOf(r.spec.Kind)
}

// label returns the row's labels in one line.
func (r *row) label() string { return strings.Join(r.labels, " · ") }

// partRow returns the row of a part: which request it was, and its code unless OK.
func (b *builder) partRow(n *node, guide string) *row {
	part := n.part
	r := &row{
		guide: guide, took: n.took(), under: []Interval{{part.BeginNS, part.EndNS}}, part: true,
		name: verdict.PartName(part, b.lang),
		note: b.lang.Pick("a request that the server made itself", "服务端自己发起的请求"),
	}
	if part.Code != "" && part.Code != "OK" {
		r.labels = append(r.labels, screen.Escape(part.Code))
	}
	return r
}

// maxLabel bounds a label with text of unknown length, in columns.
const maxLabel = 60

// labels returns what the reader has to know of a node even if there is no room for
// a note. It also sets r.short.
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
			out = append(out, screen.Cut(screen.Escape(why), maxLabel))
		}
	}
	if version := first.Attributes[trace.AttrTLSVersion]; version != "" {
		out = append(out, screen.Escape(version))
	}
	out = append(out, b.heldAt(n, r)...)
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

// repeats returns how often a stage happened, with the repeats of which only the
// number was kept.
func repeats(n *node) int {
	times := 0
	for _, st := range n.times {
		times += max(1, st.Count)
	}
	return times
}

// grouped writes a number with its digits in groups: 1,204.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// addedUp returns how many repeats were added up instead of being kept one by one.
func addedUp(n *node) (times int) {
	for _, st := range n.times {
		if st.Count > 1 {
			times += st.Count
		}
	}
	return times
}

// heldAt returns a label that says at which stages a fault or a hold made the request
// wait; nil for a stage of another kind.
func (b *builder) heldAt(n *node, r *row) []string {
	if r.spec == nil || r.spec.Kind != stages.KindHeld {
		return nil
	}
	var heldAt []string
	for _, st := range n.times {
		if at := screen.Escape(st.Attributes[trace.AttrAt]); at != "" && !slices.Contains(heldAt, at) {
			heldAt = append(heldAt, at)
		}
	}
	if len(heldAt) == 0 {
		return nil
	}
	return []string{b.lang.Say("at %s", "在 %s", screen.Cut(strings.Join(heldAt, ", "), maxLabel))}
}

// noteHeld replaces the note of a fault or a hold with the reason why it made the
// request wait. If the node has several reasons, the note stays as it is.
func (b *builder) noteHeld(n *node, r *row) {
	if r.spec == nil || r.spec.Kind != stages.KindHeld {
		return
	}
	first := n.times[0].Attributes
	why := first[trace.AttrWhy]
	for _, st := range n.times {
		if st.Attributes[trace.AttrWhy] != why {
			return
		}
	}
	switch {
	case why == "":
	case r.spec.Stage == stages.Fault:
		r.note = b.lang.Say("fault %s", "故障 %s", screen.Escape(why))
	case why == trace.WhyBehind:
		r.note = b.lang.Pick("another request was held, and this one behind it", "另一个请求被停住，这个排在后面")
	case why == trace.WhyStep:
		r.note = b.lang.Pick("held, one step further", "单步停住")
	}
	if first[trace.AttrEnded] == trace.EndedTimeout {
		r.note += b.lang.Pick(", until its time was up", "，直到时间用完")
	}
}
