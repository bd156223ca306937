// Package timeline draws one request: a waterfall on a common axis that a
// person reads from top to bottom.
//
//	timeline.go   Render, and the same tree and data for other readers
//	headline.go   what was asked, what came of it, who saw it
//	tree.go       the stages, nested
//	rows.go       a node of the tree, made ready to be drawn
//	waterfall.go  rows and sections, written out in columns
//	plot.go       the axis, and bars with the precision of an eighth of a column
//	remarks.go    what is said below the bars, and the legend
//	chart.go      the same content for a drawing that is not on a terminal
//
// A bar is strong while the request waited in the stage itself. It is thin while
// the stage was under way and the request waited elsewhere: in a child of the
// stage, or in a stage beside it. The strong parts of all rows together are the
// ledger: they neither overlap nor leave a gap, so the shares add up to the whole.
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

// Options are the options of Render.
type Options struct {
	screen.Options
	Fold    time.Duration // leave out stages that are shorter than this, with all that is inside them; 0: leave out none
	SoFar   bool          // the request is not over: draw it without remarks and verdict
	MaxRows int           // rows of a request that are drawn; 0: DefaultRows
}

// DefaultRows is the default of Options.MaxRows. A request of GlassKV has some forty
// rows; a trace of another program may have thousands.
const DefaultRows = 200

// picture is the state of drawing one timeline.
type picture struct {
	t       *trace.Timeline
	opts    Options
	lang    lang.Lang
	width   int
	columns columns
	used    signs
	foreign bool // a trace of another program
	walked  int  // nodes of the outline that rowsOf has passed
	out     *screen.Writer
}

// foreign reports whether a timeline has stages, and the catalogue knows none of
// them: it is a trace of another program.
func foreign(t *trace.Timeline) bool {
	for i := range t.Stages {
		if _, known := stages.ByName(t.Stages[i].Stage); known {
			return false
		}
	}
	return len(t.Stages) > 0
}

// Render draws a timeline to w. No line is wider than the screen. What a client sent
// is escaped: it cannot move the cursor. The error is that of writing to w.
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
		p.writeRemark(r)
	}
	p.legend()
	p.verdict()
	return p.out.Close()
}

// waterfall draws the stages of the connection, then those of the request. If the
// connection's stages began before the request, they have an axis of their own.
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

// allRows returns the connection's stages, their rows, and the rows of the request.
// If the connection never carried a request, all rows are the connection's.
func (p *picture) allRows() (conn []*trace.StageTime, connRows, rows []*row) {
	conn, own := p.split()
	connRows, rows = p.rowsOf(conn), append(p.rowsOf(own), newBuilder(p.t, p.lang).unexplainedRow())
	if p.failedConn() {
		connRows, rows = append(connRows, rows...), nil
	}
	return conn, connRows, rows
}

// connScale returns the axis of the connection's stages. If apart is false, they
// share the request's axis.
func (p *picture) connScale(conn []*trace.StageTime, cells int) (before scale, apart bool) {
	before, apart = connScale(conn, cells)
	return before, apart && !p.failedConn()
}

// sayBefore labels the connection's first row with how long before the request it
// began.
func (p *picture) sayBefore(connRows []*row, before scale) {
	first := connRows[0]
	first.labels = append(first.labels, p.lang.Say("%s before the request", "早于请求 %s", screen.Duration(-before.begin)))
}

// titles returns the titles of the two sections of the waterfall.
func (p *picture) titles() (once, request string) {
	request = p.lang.Pick("the request", "请求")
	if p.foreign {
		request = p.lang.Pick("the trace", "trace")
	}
	return p.lang.Pick("the connection, once", "连接（只发生一次）"), request
}

// split returns the stages of the connection, and all others. The connection of a
// part belongs to the part, and so to the others.
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

// failedConn reports whether the timeline is that of a connection that never carried
// a request.
func (p *picture) failedConn() bool { return p.t.Attributes[trace.AttrFailedConn] != "" }

// rowsOf returns the rows of some stages, nested, as many as the options allow, and
// rows that say how many were left out.
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

// verdict writes the one sentence about the timeline, and which stage to look up.
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

// Entry is one line of the tree: a stage, several stages of one name inside one
// parent, such as the messages of a stream, or a part: a request that the server
// made itself.
type Entry struct {
	Times []*trace.StageTime // in the timeline's order; empty for a part
	Part  *trace.Part        // nil for a stage
	Depth int                // levels below the top
}

// Outline returns the tree from top to bottom: first the connection's stages, then
// the request's. `glasskv walk` walks through a request in this order.
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

// Labels returns short texts about an entry that its times do not show, such as by
// how many requests it was shared, or that it had not ended. What a client sent is
// escaped.
func (e Entry) Labels(t *trace.Timeline, l lang.Lang) []string {
	if len(e.Times) == 0 {
		return nil
	}
	return newBuilder(t, l).row(&node{times: e.Times}, "").labels
}

// WriteJSON writes a timeline as one JSON object on one line.
func WriteJSON(w io.Writer, t *trace.Timeline) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t); err != nil {
		return fmt.Errorf("write timeline: %w", err)
	}
	return nil
}
