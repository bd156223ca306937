package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// Chart is a timeline made ready to be drawn elsewhere than on a terminal: the same
// rows, texts and axes. What a client sent is escaped as for a terminal; a caller
// that writes HTML must escape it for HTML too.
type Chart struct {
	Headline
	Message  string   // the error that the client received; may be empty
	Facts    []string // who observed the request, over which connection, its trace ID
	Sections []Section
	Kinds    []KindShare
	Remarks  []Remark
	Verdict  verdict.Verdict
}

// Headline is a request in one line.
type Headline struct {
	Title   string      // what was asked: "PUT greeting"
	Outcome string      // the code, or what happened instead of a reply; may be empty
	Role    screen.Role // the colour of the outcome
	Took    string
}

// HeadlineOf returns the headline of a timeline in a language.
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
	Ended      int64 // when the wait ended, if the axis goes on beyond it; else 0
	Ticks      []Tick
	Rows       []Row
}

// Tick is a mark of an axis.
type Tick struct {
	At    int64 // nanoseconds from the request's start
	Label string
}

// Interval is a time from Begin to End, in nanoseconds from the request's start.
type Interval struct{ Begin, End int64 }

// Row is one line of a chart: a stage, a request that the server made itself (Part),
// the time that no stage explains (Unexplained), or a word about rows that are left
// out (Hidden).
type Row struct {
	Entry  int          // its index in Outline; -1 if Unexplained or Hidden
	Stage  stages.Stage // None if the catalogue does not know it
	Name   string
	Depth  int // the level in the tree, from 0
	Kind   stages.Kind
	Under  []Interval // when it was under way
	Waits  []Interval // when the request waited in it
	Took   string     // how long it took, with a sign for how exact that is; "" for a connection's life
	Waited float64    // its share of the request's time, from 0 to 1
	Share  string     // Waited as text; "" if the request did not wait in it
	Labels []string
	Note   string
	Open   bool // it goes on beyond the request

	Part, Unexplained, Hidden bool
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
	Role screen.Role // Dim, or Warn for what the reader should look at
}

// chartTicks is how many ticks the axis of a chart has at most.
const chartTicks = 5

// ChartOf returns the chart of a timeline in a language.
func ChartOf(t *trace.Timeline, l lang.Lang) *Chart {
	const wide = 1 << 16 // nothing is shortened or broken
	p := &picture{t: t, lang: l, width: wide, foreign: foreign(t)}
	c := &Chart{Headline: HeadlineOf(t, l), Message: screen.Escape(t.Message), Verdict: verdict.Of(t, l)}
	for _, line := range p.facts(p.seen()) {
		c.Facts = append(c.Facts, strings.Split(line, between)...)
	}
	c.Sections = p.sections()
	for _, k := range p.timeByKind() {
		c.Kinds = append(c.Kinds, KindShare{k.kind, l.Kind(k.kind), screen.Percent(p.shareOf(k.ns))})
	}
	for _, r := range p.remarks() {
		c.Remarks = append(c.Remarks, Remark{r.text, r.role})
	}
	return c
}

// sections returns the section of the connection and that of the request, without
// those that have no rows.
func (p *picture) sections() []Section {
	conn, connRows, rows := p.allRows()
	const cells = chartTicks * tickEvery
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
		Under: r.under, Waits: r.waits,
		Entry: r.entry, Open: r.open, Part: r.part, Unexplained: r.unexplained, Hidden: r.hidden > 0,
	}
	if out.Hidden || out.Unexplained {
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
	if r.waited > 0 || r.unexplained {
		out.Share = screen.Percent(out.Waited)
	}
	return out
}
