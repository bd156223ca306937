package timeline

import "glasskv/walkthrough/screen"

// columns says how a line is divided. In front stands the mark, then the tree
// with the names, how long the stage took, its share of the wait, the plot, and
// where there is room the note.
type columns struct {
	name, plot, note int
}

const (
	markColumns  = 2
	tookColumns  = 9 // a blank, a sign, "1.14 ms"
	shareColumns = 8 // two blanks, "26.5 %"
	gapColumns   = 2
	fixedColumns = markColumns + tookColumns + shareColumns + gapColumns

	notesFrom    = 120 // the width from which notes stand beside the bars
	wideTreeFrom = 140 // the width from which a level of the tree takes two columns
	leastNote    = 36
	mostNote     = 72
)

// indentFor returns the columns for each level of the tree.
func indentFor(width int) int {
	if width < wideTreeFrom {
		return 1
	}
	return 2
}

// mostName bounds the names' column; longer ones lose their middle.
func mostName(width int) int {
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

func columnsFor(width int, rows []*row) columns {
	var c columns
	longest := 0
	for _, r := range rows {
		c.name = max(c.name, screen.Width(r.guide)+screen.Width(r.name))
		longest = max(longest, screen.Width(r.text()))
	}
	c.name = min(max(c.name, 20), mostName(width))
	c.plot = width - fixedColumns - c.name
	if width >= notesFrom && longest > 0 {
		rest := c.plot - gapColumns
		c.note = min(longest, mostNote, max(leastNote, rest*3/5))
		c.plot = rest - c.note
	}
	return c
}

// text is what stands in the notes' column.
func (r *row) text() string {
	if len(r.labels) == 0 || r.note == "" {
		return r.label() + r.note
	}
	return r.label() + " · " + r.note
}
