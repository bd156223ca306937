package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
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
