package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// Chart is a timeline made ready to be drawn on something else than a terminal:
// the same rows, texts and axes. What a client sent is escaped as for a
// terminal; for HTML it has to be escaped as well.
type Chart struct {
	Headline
	Message  string   // the error that the client was told; may be empty
	Facts    []string // who saw it, over which connection, under which ID
	Sections []Section
	Kinds    []KindShare
	Remarks  []Remark
	Verdict  verdict.Verdict
}

// Headline is a request in a line.
type Headline struct {
	Title   string      // what was asked: "PUT greeting"
	Outcome string      // the code, or what happened instead of a reply; may be empty
	Role    screen.Role // whether the outcome is good or bad
	Took    string
}

// HeadlineOf tells a request in a line, in a language.
func HeadlineOf(t *trace.Timeline, l lang.Lang) Headline {
	p := &picture{t: t, lang: l, foreign: foreign(t)}
	h := Headline{Title: verdict.Operation(t, l), Took: screen.Duration(t.DurationNS)}
	h.Outcome, h.Role = p.outcome()
	return h
}

// Section is a part of a chart with an axis of its own. Times are nanoseconds
// from the request's begin; Begin may be below zero.
type Section struct {
	Title      string
	Begin, End int64
	Ended      int64 // when the wait ended, where the axis goes on beyond it; else 0
	Ticks      []Tick
	Rows       []Row
}

// Tick is a mark of an axis.
type Tick struct {
	At    int64 // nanoseconds from the request's begin
	Label string
}

// Span is a stretch of time in nanoseconds from the request's begin.
type Span struct{ Begin, End int64 }

// Row is one line of a chart: a stage, a request that the server made itself, the
// time that nothing explains, or a word about rows left out.
type Row struct {
	Entry  int          // its place in Outline; -1 for unexplained time and a word about rows left out
	Stage  stages.Stage // None for what is no stage of the catalogue
	Name   string
	Depth  int // in the tree, from 0
	Kind   stages.Kind
	Under  []Span  // while it was under way
	Waits  []Span  // while the request waited in it
	Took   string  // with the sign of how its edges are known; "" for a connection's life
	Waited float64 // its share of the request's time
	Share  string  // the same in words; "" where the request did not wait in it
	Labels []string
	Note   string
	Open   bool // it goes on beyond the request
	Part   bool // a request that the server made itself
	Loose  bool // the time that no stage accounts for
	Hidden bool // a word about rows left out
}

// KindShare is how much of the wait was of one kind.
type KindShare struct {
	Kind  stages.Kind
	Name  string
	Share string
}

// Remark is a sentence below the bars.
type Remark struct {
	Text string
	Role screen.Role // Dim, or Warn for what one should look at
}

// mostLabels is how many marks an axis gets at most.
const mostLabels = 5

// ChartOf lays a timeline out in a language.
func ChartOf(t *trace.Timeline, l lang.Lang) *Chart {
	const wide = 1 << 16 // nothing is shortened or broken
	p := &picture{t: t, lang: l, width: wide, foreign: foreign(t)}
	c := &Chart{Headline: HeadlineOf(t, l), Message: screen.Escape(t.Message), Verdict: verdict.Of(t, l)}
	for _, line := range p.facts(p.seen()) {
		c.Facts = append(c.Facts, strings.Split(line, between)...)
	}
	c.Sections = p.sections()
	for _, k := range p.spentOn() {
		c.Kinds = append(c.Kinds, KindShare{k.kind, l.Kind(k.kind), screen.Percent(p.shareOf(k.ns))})
	}
	for _, r := range p.remarks() {
		c.Remarks = append(c.Remarks, Remark{r.text, r.role})
	}
	return c
}

// sections are the connection's rows, where there are any, and the request's.
func (p *picture) sections() []Section {
	conn, connRows, rows := p.allRows()
	const cells = mostLabels * tickEvery
	once, request := p.titles()
	main := requestScale(p.t, cells)
	var out []Section
	if len(connRows) > 0 {
		before, apart := p.connScale(conn, cells)
		if apart {
			p.sayBefore(connRows, before)
		} else {
			before = main
		}
		out = append(out, p.chartSection(once, before, connRows))
	}
	if len(rows) > 0 {
		out = append(out, p.chartSection(request, main, rows))
	}
	return out
}

func (p *picture) chartSection(title string, s scale, rows []*row) Section {
	out := Section{Title: title, Begin: s.begin, End: s.end, Ended: s.ended}
	at, labels := s.ticks()
	for i := range at {
		out.Ticks = append(out.Ticks, Tick{s.begin + at[i], labels[i]})
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, p.chartRow(r))
	}
	return out
}

func (p *picture) chartRow(r *row) Row {
	out := Row{
		Name: r.name, Depth: screen.Width(r.guide) / indentFor(p.width), Labels: r.labels, Note: r.note,
		Under: spansOf(r.under), Waits: spansOf(r.waits),
		Entry: r.entry, Open: r.open, Part: r.part, Loose: r.loose, Hidden: r.hidden > 0,
	}
	if out.Hidden || out.Loose {
		out.Entry = -1
	}
	if out.Hidden {
		return out
	}
	if r.spec != nil {
		out.Stage, out.Kind = r.spec.Stage, r.spec.Kind
	}
	out.Took = strings.TrimSpace(p.took(r))
	out.Waited = p.shareOf(r.waited)
	if r.waited > 0 || r.loose {
		out.Share = screen.Percent(out.Waited)
	}
	return out
}

func spansOf(spans []span) []Span {
	out := make([]Span, 0, len(spans))
	for _, s := range spans {
		out = append(out, Span{s.begin, s.end})
	}
	return out
}
