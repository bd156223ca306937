// Package timeline draws one request: a waterfall on a common axis that a
// person reads from top to bottom.
//
//	render.go    the order of the parts
//	headline.go  what was asked, what came of it, who saw it
//	tree.go      the stages nested as they were
//	outline.go   the tree for those who walk through it
//	fold.go      rows that are left out, and a word about it
//	rows.go      one stage, or a row of repeats, made ready to be drawn
//	labels.go    what has to be said of a stage even where there is no room for a note
//	parts.go     a request that the server made to answer this one
//	columns.go   which column has how much room
//	axis.go      the axis above the bars
//	bar.go       a bar with the precision of an eighth of a column
//	waterfall.go a row or a section written out
//	missing.go   what did not happen, and what contradicts itself
//	chart.go     all of it for those who draw elsewhere than on a terminal
//	legend.go    the signs that were used, and the kinds of time
//	json.go      the same for programs
//
// A bar is strong where the request was waiting in the stage itself and thin
// where the stage was under way while the request waited elsewhere: in a child
// of it, or in something beside it. The strong parts of all rows together are
// the ledger. They neither overlap nor leave a gap, so the column of shares adds
// up to the whole.
package timeline

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// Options steer how a timeline is drawn.
type Options struct {
	screen.Options
	Fold    time.Duration // leave out stages that are shorter, and nothing longer is inside them; 0: none
	SoFar   bool          // the request is not over: nothing is said of how it ended
	MaxRows int           // rows drawn of a request; 0: DefaultRows
}

// DefaultRows bounds how many rows of a request are drawn. Our own requests
// have some forty; a foreign trace may have thousands.
const DefaultRows = 200

// picture is a timeline while it is drawn.
type picture struct {
	t       *trace.Timeline
	opts    Options
	lang    lang.Lang
	width   int
	columns columns
	used    signs
	foreign bool // another program's trace: no request of ours
	walked  int  // nodes that have rows already
	out     *screen.Writer
}

// foreign reports whether the catalogue knows none of the stages.
func foreign(t *trace.Timeline) bool {
	for i := range t.Stages {
		if _, known := stages.ByName(t.Stages[i].Stage); known {
			return false
		}
	}
	return len(t.Stages) > 0
}

// Render draws a timeline. No line is longer than the screen is wide, and
// nothing that a client sent can move the cursor. The only error is that of
// writing.
func Render(w io.Writer, t *trace.Timeline, o Options) error {
	p := &picture{t: t, opts: o, lang: o.Lang, width: o.Columns(w), out: screen.NewWriter(w, o.Options), foreign: foreign(t)}
	p.headline()
	p.out.Line()
	p.waterfall()
	p.out.Line()
	p.kinds()
	if o.SoFar {
		p.legend()
		return p.out.Close()
	}
	for _, r := range p.remarks() {
		p.say(r)
	}
	p.legend()
	p.verdict()
	return p.out.Close()
}

// waterfall draws the connection's stages, on an axis of their own when they
// were over before the request began, then the request's.
func (p *picture) waterfall() {
	conn, connRows, rows := p.allRows()
	p.columns = columnsFor(p.width, slices.Concat(connRows, rows))
	main := requestScale(p.t, p.columns.plot)
	before, apart := p.connScale(conn, p.columns.plot)
	once, request := p.titles()
	switch {
	case len(connRows) == 0:
		p.section(request, main, rows)
	case apart:
		p.sayBefore(connRows, before)
		p.section(once, before, connRows)
		p.out.Line()
		p.section(request, main, rows)
	default:
		p.section(once, main, connRows)
		if p.failedConn() {
			return
		}
		p.out.Line(screen.Strong.Paint(request))
		p.lines(main, rows)
	}
}

// allRows makes the rows, the connection's apart. Where there was no request,
// all of them are the connection's.
func (p *picture) allRows() (conn []*trace.StageTime, connRows, rows []*row) {
	conn, own := p.split()
	connRows, rows = p.rowsOf(conn), append(p.rowsOf(own), newBuilder(p.t, p.lang).looseRow())
	if p.failedConn() {
		connRows, rows = append(connRows, rows...), nil
	}
	return conn, connRows, rows
}

// connScale is the axis of the connection's stages; apart is false where they
// share the request's.
func (p *picture) connScale(conn []*trace.StageTime, cells int) (before scale, apart bool) {
	before, apart = connScale(conn, cells)
	return before, apart && !p.failedConn()
}

// sayBefore says at the connection's first row how long ago that was.
func (p *picture) sayBefore(connRows []*row, before scale) {
	first := connRows[0]
	first.labels = append(first.labels, p.lang.Say("%s before the request", "早于请求 %s", screen.Duration(-before.begin)))
}

// titles name the two halves of the waterfall.
func (p *picture) titles() (once, request string) {
	request = p.lang.Pick("the request", "请求")
	if p.foreign {
		request = p.lang.Pick("the trace", "trace")
	}
	return p.lang.Pick("the connection, once", "连接（只发生一次）"), request
}

// split tells the connection's stages from the request's. A part's connection is
// the part's own affair.
func (p *picture) split() (conn, own []*trace.StageTime) {
	for i := range p.t.Stages {
		if st := &p.t.Stages[i]; st.Scope == stages.ScopeConn && st.Part == 0 {
			conn = append(conn, st)
		} else {
			own = append(own, st)
		}
	}
	return conn, own
}

// failedConn reports whether it is no request but a connection that never carried
// one.
func (p *picture) failedConn() bool { return p.t.Attributes[trace.AttrFailedConn] != "" }

func (p *picture) rowsOf(stages []*trace.StageTime) []*row {
	b := newBuilder(p.t, p.lang)
	b.next = p.walked
	b.indent, b.limit = indentFor(p.width), p.opts.MaxRows
	if b.limit <= 0 {
		b.limit = DefaultRows
	}
	kept, folded := fold(forest(p.t, stages), p.opts.Fold)
	b.walk(kept, "", true)
	p.walked = b.next
	b.leftOut(folded, p.opts.Fold)
	return b.rows
}

func (p *picture) verdict() {
	v := verdict.Of(p.t, p.lang)
	if v.Sentence == "" {
		return
	}
	p.out.Line()
	lines := screen.Wrap(v.Sentence, p.width)
	for _, line := range lines[:len(lines)-1] {
		p.out.Line(screen.Strong.Paint(line))
	}
	last, hint := lines[len(lines)-1], "→ glasskv explain "+v.Explain
	switch {
	case v.Explain == "":
		p.out.Line(screen.Strong.Paint(last))
	case screen.Width(last)+2+screen.Width(hint) <= p.width:
		p.out.Line(screen.Strong.Paint(last), "  ", screen.Dim.Paint(hint))
	default:
		p.out.Line(screen.Strong.Paint(last))
		p.out.Line(screen.Dim.Paint(hint))
	}
}

// Entry is one line of the tree of stages, as it is drawn: a stage, or several of
// one name inside one parent, such as the messages of a stream. Or it is a request
// that the server made itself.
type Entry struct {
	Times []*trace.StageTime // in the timeline's order; empty for a part
	Part  *trace.Part        // nil for a stage
	Depth int                // levels below the top
}

// Outline returns the tree from top to bottom: first the connection's stages, then
// the request's. It is the order in which one walks through a request.
func Outline(t *trace.Timeline) []Entry {
	p := picture{t: t}
	conn, own := p.split()
	out := make([]Entry, 0, len(t.Stages)+len(t.Parts))
	for _, stages := range [][]*trace.StageTime{conn, own} {
		out = appendEntries(out, forest(t, stages), 0)
	}
	return out
}

func appendEntries(out []Entry, nodes []*node, depth int) []Entry {
	for _, n := range nodes {
		out = append(out, Entry{Times: n.times, Part: n.part, Depth: depth})
		out = appendEntries(out, n.children, depth+1)
	}
	return out
}

// Labels says what has to be said of an entry beside its times: with how many it
// was shared, that it had not ended. What a client sent is escaped.
func (e Entry) Labels(t *trace.Timeline, l lang.Lang) []string {
	if len(e.Times) == 0 {
		return nil
	}
	return newBuilder(t, l).row(&node{times: e.Times}, "").labels
}

// Why says in the reader's language why a stage was not reached: one of trace's Why
// constants.
func Why(why string, l lang.Lang) string { return (&picture{lang: l}).why(why) }

// WriteJSON writes a timeline as one object on one line, as design and docs
// describe it for programs.
func WriteJSON(w io.Writer, t *trace.Timeline) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil {
		return fmt.Errorf("write timeline: %w", err)
	}
	return nil
}
