package timeline

import (
	"strings"

	"glasskv/walkthrough/screen"
)

// smallShare is the share of the wait below which a row gets the small mark.
const smallShare = 0.01

// section writes a title with its axis, and the rows below it.
func (p *picture) section(title string, s scale, rows []*row) {
	front := p.columns.name + markColumns
	took, share := p.lang.Pick("took", "用时"), p.lang.Pick("share", "占比")
	p.out.Line(
		screen.Strong.Paint(title), screen.Blank(front-screen.Width(title)),
		screen.Dim.Paint(screen.Right(took, tookColumns)+screen.Right(share, shareColumns)),
		screen.Blank(gapColumns), screen.Dim.Paint(s.marks()),
	)
	p.lines(s, rows)
}

func (p *picture) lines(s scale, rows []*row) {
	for _, r := range rows {
		p.line(s, r)
	}
}

// line writes one row.
func (p *picture) line(s scale, r *row) {
	p.used.see(r)
	if r.hidden > 0 {
		p.out.Line(screen.Blank(markColumns), screen.Dim.Paint(r.guide+r.name))
		return
	}
	plot, placed := p.plot(s, r)
	name := r.name
	if !placed && p.columns.note == 0 {
		if r.short != "" {
			p.used.short = r.short + " " + r.labels[0]
		}
		// The label has no room beside the bar. Its sign goes beside the name, and the
		// legend explains the sign.
		room := p.columns.name - screen.Width(r.guide) - screen.Width(r.short) - 1
		name = strings.TrimRight(screen.Middle(r.name, room)+" "+r.short, " ")
	}
	p.out.Line(p.mark(r), p.name(r, name), p.took(r), p.share(r), screen.Blank(gapColumns), plot, p.note(r))
}

func (p *picture) mark(r *row) string {
	switch share := p.shareOf(r.waited); {
	case r.unexplained || r.waited == 0:
		return screen.Blank(markColumns)
	case share < smallShare:
		p.used.small = true
		return r.role().Paint("•") + screen.Blank(markColumns-1)
	}
	return r.role().Paint("●") + screen.Blank(markColumns-1)
}

func (p *picture) name(r *row, name string) string {
	guide := screen.Width(r.guide)
	name = screen.Left(screen.Middle(name, p.columns.name-guide), p.columns.name-guide)
	switch {
	case r.unexplained:
		return screen.Dim.Paint(name)
	case r.part:
		name = screen.Strong.Paint(name)
	}
	return screen.Dim.Paint(r.guide) + name
}

func (p *picture) took(r *row) string {
	if r.open && r.spec != nil && r.role() == screen.Unknown {
		return screen.Blank(tookColumns) // a connection's life is not a stage that takes time
	}
	return screen.Right(r.sign+screen.Duration(r.took), tookColumns)
}

func (p *picture) share(r *row) string {
	if r.waited == 0 && !r.unexplained {
		return screen.Blank(shareColumns)
	}
	share := p.shareOf(r.waited)
	text := screen.Right(screen.Percent(share), shareColumns)
	if share >= 0.1 && !r.unexplained {
		return screen.Strong.Paint(text)
	}
	return text
}

// shareOf returns a time as its share of the request's, from 0 to 1.
func (p *picture) shareOf(ns int64) float64 {
	if p.t.DurationNS <= 0 {
		return 0
	}
	return float64(ns) / float64(p.t.DurationNS)
}

func (p *picture) note(r *row) string {
	if p.columns.note == 0 || r.text() == "" {
		return ""
	}
	text := screen.Cut(r.text(), p.columns.note)
	labels := r.label()
	if rest, ok := strings.CutPrefix(text, labels); ok && labels != "" {
		return screen.Blank(gapColumns) + labels + screen.Dim.Paint(rest)
	}
	return screen.Blank(gapColumns) + screen.Dim.Paint(text)
}

// plot writes the bar on the axis's grid. If there is no column of notes, it writes
// the labels beside the bar; placed is false if there is no room for them.
func (p *picture) plot(s scale, r *row) (text string, placed bool) {
	cells := s.bar(r)
	first, last := extent(cells)
	for c, sign := range s.grid() {
		if cells[c].sign == 0 {
			cells[c] = cell{sign, screen.Dim}
		}
	}
	p.used.ended = p.used.ended || s.ended != 0
	label := r.label()
	if p.columns.note > 0 || label == "" {
		return paint(cells), true
	}
	width := screen.Width(label)
	switch {
	case last+2+width <= len(cells):
		return paint(cells[:last+1]) + " " + label + paint(blankFirst(cells[last+2+width:])), true
	case first-1-width >= 0:
		return paint(cells[:first-1-width]) + label + " " + paint(cells[first:]), true
	}
	return paint(cells), false
}

// blankFirst removes a mark of the grid that would touch a label before it.
func blankFirst(cells []cell) []cell {
	if len(cells) > 0 && cells[0].sign == '·' {
		cells[0] = cell{}
	}
	return cells
}

// extent returns the first and the last cell that is not blank; 0 and -1 if all are
// blank.
func extent(cells []cell) (first, last int) {
	first, last = 0, -1
	for i, c := range cells {
		if c.sign == 0 {
			continue
		}
		if last < 0 {
			first = i
		}
		last = i
	}
	return first, last
}

// paint writes cells, neighbours of one colour as one piece of text.
func paint(cells []cell) string {
	var out strings.Builder
	for i := 0; i < len(cells); {
		role, run := cells[i].role, []rune(nil)
		for ; i < len(cells) && cells[i].role == role; i++ {
			if cells[i].sign == 0 {
				run = append(run, ' ')
				continue
			}
			run = append(run, cells[i].sign)
		}
		out.WriteString(role.Paint(string(run)))
	}
	return out.String()
}

// columns are the widths of a line's variable columns. A line has the mark, the
// name with the tree's lines before it, how long the stage took, its share of the
// wait, the plot, and the note if the screen is wide enough.
type columns struct {
	name, plot, note int
}

const (
	markColumns  = 2
	tookColumns  = 9 // a blank, a sign, "1.14 ms"
	shareColumns = 8 // two blanks, "26.5 %"
	gapColumns   = 2
	fixedColumns = markColumns + tookColumns + shareColumns + gapColumns

	notesFrom    = 120 // the screen's width from which there are notes
	wideTreeFrom = 140 // the screen's width from which a level of the tree takes two columns
	minNote      = 36
	maxNote      = 72
)

// indentFor returns the columns for each level of the tree on a screen of a width.
func indentFor(width int) int {
	if width < wideTreeFrom {
		return 1
	}
	return 2
}

// maxName returns the maximum width of the column of names. Longer names lose their
// middle.
func maxName(width int) int {
	switch {
	case width < 72:
		return 22
	case width < wideTreeFrom:
		return 29
	case width < 170:
		return 38
	}
	return 54
}

// columnsFor divides a screen of a width for the rows.
func columnsFor(width int, rows []*row) columns {
	var c columns
	longest := 0
	for _, r := range rows {
		c.name = max(c.name, screen.Width(r.guide)+screen.Width(r.name))
		longest = max(longest, screen.Width(r.text()))
	}
	c.name = min(max(c.name, 20), maxName(width))
	c.plot = width - fixedColumns - c.name
	if width >= notesFrom && longest > 0 {
		rest := c.plot - gapColumns
		c.note = min(longest, maxNote, max(minNote, rest*3/5))
		c.plot = rest - c.note
	}
	return c
}

// text returns the text in the column of notes: labels and note.
func (r *row) text() string {
	if len(r.labels) == 0 || r.note == "" {
		return r.label() + r.note
	}
	return r.label() + " · " + r.note
}
