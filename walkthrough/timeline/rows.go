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

// span is a stretch of time in nanoseconds from the request's begin.
type span struct{ begin, end int64 }

// row is a line of the waterfall.
type row struct {
	guide  string // the tree's lines in front of the name
	name   string
	spec   *stages.Spec // nil for a span that the catalogue does not know
	under  []span       // while it was under way
	waits  []span       // while the request waited in it
	took   int64
	waited int64
	sign   string // how its edges are known: "", "≈" or "~"
	labels []string
	short  string // the first label where there is room for a sign only
	note   string
	open   bool // it goes on beyond the request
	part   bool // not a stage: a request that the server made itself
	hidden int  // not a stage: as many rows are left out here
	entry  int  // its place in the outline
	loose  bool // not a stage: the time that no stage accounts for
}

// The signs for edges that are not exact.
const (
	signNear     = "≈"
	signInferred = "~"
)

// nearMatters is the part of a stage's length above which the known error of
// its edges is worth a sign.
const nearMatters = 0.05

// builder turns nodes into rows.
type builder struct {
	t      *trace.Timeline
	lang   lang.Lang
	indent int // columns for each level of the tree
	limit  int // rows
	ledger map[string][]trace.LedgerRow
	rows   []*row
	more   int // nodes beyond the limit
	next   int // the place in the outline of the next node
}

func newBuilder(t *trace.Timeline, l lang.Lang) *builder {
	b := &builder{t: t, lang: l, ledger: make(map[string][]trace.LedgerRow)}
	for _, row := range t.Ledger {
		b.ledger[row.Stage] = append(b.ledger[row.Stage], row)
	}
	return b
}

// deepest bounds the tree's lines, in columns: what is deeper is moved in no
// further.
const deepest = 24

// walk adds the nodes and what is below them. Guide stands in front of them.
func (b *builder) walk(nodes []*node, guide string, top bool) {
	for i, n := range nodes {
		own, below := guide, guide
		if !top && screen.Width(guide) < deepest {
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
		r.under = append(r.under, span{st.BeginNS, st.EndNS})
		r.open = r.open || st.Open
		r.sign = worse(r.sign, signOf(r.spec, st))
	}
	r.waits = b.waits(n)
	for _, w := range r.waits {
		r.waited += w.end - w.begin
	}
	b.pauseNote(n, r)
	r.labels = b.labels(n, r)
	return r
}

// waits returns the ledger's rows for the stage, as far as it was under way.
func (b *builder) waits(n *node) (out []span) {
	for _, l := range b.ledger[n.name()] {
		for _, st := range n.times {
			if begin, end := max(l.BeginNS, st.BeginNS), min(l.EndNS, st.EndNS); begin < end {
				out = append(out, span{begin, end})
			}
		}
	}
	return out
}

// signOf says how the edges of a stage are known, where it matters.
func signOf(spec *stages.Spec, st *trace.StageTime) string {
	if st.BeginEdge == stages.Inferred || st.EndEdge == stages.Inferred {
		return signInferred
	}
	if spec == nil {
		return ""
	}
	var known int64
	if st.BeginEdge == stages.Near {
		known += spec.Begin.ErrorNS
	}
	if st.EndEdge == stages.Near {
		known += spec.End.ErrorNS
	}
	if known > 0 && float64(known) > nearMatters*float64(st.Duration()) {
		return signNear
	}
	return ""
}

func worse(a, b string) string {
	if a == signInferred || b == "" {
		return a
	}
	return b
}

// looseRow is the row of the time that no stage accounts for.
func (b *builder) looseRow() *row {
	r := &row{name: b.lang.Pick(trace.Unexplained, "未解释"), loose: true}
	for _, l := range b.ledger[trace.Unexplained] {
		r.waits = append(r.waits, span{l.BeginNS, l.EndNS})
		r.took += l.EndNS - l.BeginNS
	}
	r.waited = r.took
	return r
}

// role returns the colour of the row's bar.
func (r *row) role() screen.Role {
	switch {
	case r.loose:
		return screen.Unknown
	case r.spec == nil:
		return screen.Plain
	}
	return screen.RoleOf(r.spec.Kind)
}

func (r *row) label() string { return strings.Join(r.labels, " · ") }

// partRow is the row of a request that the server made itself: what it was, and
// what came of it.
func (b *builder) partRow(n *node, guide string) *row {
	part := n.part
	r := &row{
		guide: guide, took: n.took(), under: []span{{part.BeginNS, part.EndNS}}, part: true,
		name: verdict.PartName(part, b.lang),
		note: b.lang.Pick("a request that the server made itself", "服务端自己发起的请求"),
	}
	if part.Code != "" && part.Code != "OK" {
		r.labels = append(r.labels, screen.Escape(part.Code))
	}
	return r
}

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

// pausedAt says where somebody made the request wait, each place once.
func (b *builder) pausedAt(n *node, r *row) []string {
	if r.spec == nil || r.spec.Kind != stages.KindHeld {
		return nil
	}
	var places []string
	for _, st := range n.times {
		if at := screen.Escape(st.Attributes[trace.AttrAt]); at != "" && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	if len(places) == 0 {
		return nil
	}
	return []string{b.lang.Say("at %s", "在 %s", screen.Cut(strings.Join(places, ", "), longestWhy))}
}

// pauseNote says why somebody made the request wait; where, is said by a label.
// Where the stretches of one row differ, the catalogue's own note stays.
func (b *builder) pauseNote(n *node, r *row) {
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
