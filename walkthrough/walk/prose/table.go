package prose

import (
	"strings"

	tableast "github.com/yuin/goldmark/extension/ast"

	"glasskv/walkthrough/screen"
)

// table writes a table in columns where it fits, and otherwise each row as a line
// of its own, its cells one after the other.
func (r *renderer) table(t *tableast.Table, width int) (lines []string) {
	var rows [][]*screen.Runs
	var columns []int
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		role := screen.Plain
		if row.Kind() == tableast.KindTableHeader {
			role = screen.Strong
		}
		var cells []*screen.Runs
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			f := r.flow(cell, role)
			if i := len(cells); i == len(columns) {
				columns = append(columns, 0)
			}
			columns[len(cells)] = max(columns[len(cells)], screen.Width(f.Text()))
			cells = append(cells, f)
		}
		rows = append(rows, cells)
	}
	total := 2 * (len(columns) - 1)
	for _, c := range columns {
		total += c
	}
	for _, cells := range rows {
		lines = append(lines, rowLines(cells, columns, total <= width, width)...)
	}
	return lines
}

func rowLines(cells []*screen.Runs, columns []int, fits bool, width int) []string {
	whole := &screen.Runs{}
	var b strings.Builder
	for i, c := range cells {
		text := c.Text()
		b.WriteString(c.Painted())
		if i < len(cells)-1 {
			b.WriteString(screen.Blank(columns[i] - screen.Width(text) + 2))
			text += " · "
		}
		whole.Add(text, screen.Plain)
	}
	if fits {
		return []string{b.String()}
	}
	return whole.Wrap(width)
}
