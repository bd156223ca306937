package walk

import (
	"strings"

	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// The columns of the list of stops, beside the names.
const (
	markColumns = 2
	tookColumns = 9
	deepest     = 8 // levels of the tree that are moved in
)

// barColumns is how wide a bar is in a list of that width.
func barColumns(width int) int {
	switch {
	case width < 34:
		return 0
	case width < 48:
		return 6
	case width < 60:
		return width / 4
	}
	return width / 3
}

// stopList returns the part of the list around the stop, height lines of it.
func (m *model) stopList(width, height int) []string {
	all := len(m.tour.Stops)
	top := max(0, min(m.at.stop-height/2, all-height))
	lines := make([]string, 0, height)
	for i := top; i < all && len(lines) < height; i++ {
		lines = append(lines, m.stopLine(i, width, i == m.at.stop))
	}
	if loose := m.tour.Unexplained(); len(lines) < height && loose > 0 {
		text := m.lang.Pick("unexplained", "未解释")
		lines = append(lines, fit(screen.Dim.Paint("  "+screen.Left(text, width-markColumns-tookColumns-barColumns(width)-1)+screen.Right(screen.Duration(loose), tookColumns)), width))
	}
	for len(lines) < height {
		lines = append(lines, screen.Blank(width))
	}
	return lines
}

// stopLine is one stop: where it is in the tree, how long it took, when it was.
func (m *model) stopLine(i, width int, current bool) string {
	s := &m.tour.Stops[i]
	bar := barColumns(width)
	depth := min(s.Depth, deepest)
	room := width - markColumns - depth - tookColumns - bar - 1
	text := screen.Left(screen.Middle(name(s, m.lang), room), room)
	took := screen.Duration(s.Took)
	if life(s) {
		took = ""
	}
	mark := "  "
	if current {
		mark = "▸ "
		text = screen.Current.Paint(text)
	} else if s.Waited > 0 {
		text = screen.Strong.Paint(text)
	}
	line := mark + screen.Blank(depth) + text + screen.Right(took, tookColumns)
	if bar > 0 {
		line += " " + m.bar(s, bar)
	}
	return line
}

// bar draws when a stop was on the request's axis: strong where the request waited
// in it, thin where it was under way.
func (m *model) bar(s *tour.Stop, columns int) string {
	const halves = 2
	total := max(1, m.tour.Timeline.DurationNS)
	strong, thin := make([]bool, columns*halves), make([]bool, columns*halves)
	paint := func(cells []bool, begin, end int64) {
		if end < 0 || begin > total || end <= begin {
			return
		}
		n := int64(len(cells))
		from, to := max(0, begin)*n/total, min(total, end)*n/total
		for i := min(from, n-1); i <= min(max(from, to-1), n-1); i++ {
			cells[i] = true
		}
	}
	if s.Part != nil {
		paint(thin, s.Part.BeginNS, s.Part.EndNS)
	}
	for _, st := range s.Times {
		paint(thin, st.BeginNS, st.EndNS)
	}
	for _, w := range s.Waits {
		paint(strong, w.BeginNS, w.EndNS)
	}
	var b strings.Builder
	for c := range columns {
		left, right := c*halves, c*halves+1
		b.WriteString(cell(strong[left], strong[right], thin[left] || thin[right]))
	}
	bar := b.String()
	if strings.TrimSpace(bar) == "" && s.Row != nil && s.Row.EndNS <= 0 {
		bar = screen.Left("◂", columns) // before the request
	}
	return roleOfStop(s).Paint(bar)
}

func cell(left, right, thin bool) string {
	switch {
	case left && right:
		return "█"
	case left:
		return "▌"
	case right:
		return "▐"
	case thin:
		return "─"
	}
	return " "
}
