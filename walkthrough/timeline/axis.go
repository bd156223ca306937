package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// tickEvery is how many columns a mark of the axis wants at least, mostTicks how
// many marks are enough.
const (
	tickEvery = 5
	mostTicks = 10
)

// requestScale spans the request from its begin to its end, and beyond it where
// stages went on after the reply: at most as long again.
func requestScale(t *trace.Timeline, cells int) scale {
	end := t.DurationNS
	for i := range t.Stages {
		if st := &t.Stages[i]; st.Scope != stages.ScopeConn && !st.Open {
			end = max(end, st.EndNS)
		}
	}
	// A stage's tail that ends some columns' fraction later is no news.
	if float64(end-t.DurationNS) < 0.02*float64(t.DurationNS) {
		end = t.DurationNS
	}
	s := scale{end: max(1, min(end, 2*t.DurationNS)), cells: cells}
	if s.end > t.DurationNS {
		s.ended = t.DurationNS
	}
	return s
}

// connScale spans the connection's stages where they lie before the request,
// and ok is false where they share its axis.
func connScale(stages []*trace.StageTime, cells int) (s scale, ok bool) {
	first := true
	for _, st := range stages {
		if st.Open || isLife(st) {
			continue
		}
		if first || st.BeginNS < s.begin {
			s.begin = st.BeginNS
		}
		if first || st.EndNS > s.end {
			s.end = st.EndNS
		}
		first = false
	}
	s.end, s.cells = max(s.end, s.begin+1), cells
	return s, !first && s.begin < 0
}

// isLife tells a connection's life from its stages: it lasts on behind every
// request.
func isLife(st *trace.StageTime) bool {
	stage, known := stages.ByName(st.Stage)
	return known && stages.SpecOf(stage).Kind == stages.KindNone
}

// marks writes the axis: its round times above their columns, and the unit once.
// It stands at the last one, or at the zero where it would push a neighbour away.
func (s scale) marks() string {
	at, labels := s.ticks()
	last := len(at) - 1
	text, unit, _ := strings.Cut(labels[last], " ")
	line, all := s.place(at, labels)
	if all || last == 0 {
		return line
	}
	labels[last] = text
	labels[0] += " " + unit
	if other, all := s.place(at, labels); all {
		return other
	}
	return line
}

// place puts each label's number over its column. The first and the last are
// always there; all is false when another found no room.
func (s scale) place(at []int64, labels []string) (line string, all bool) {
	signs := []rune(screen.Blank(s.cells))
	last, free := len(at)-1, s.cells
	all = true
	for _, i := range outerFirst(len(at)) {
		width := screen.Width(labels[i])
		column := s.column(s.begin + at[i])
		if i > 0 {
			number, _, _ := strings.Cut(labels[i], " ")
			column -= (screen.Width(number) - 1) / 2
		}
		column = max(0, min(column, s.cells-width))
		switch {
		case i == last:
			free = column
		case i > 0 && (column+width >= free || signs[column] != ' ' || signs[column-1] != ' '):
			all = false
			continue
		}
		copy(signs[column:], []rune(labels[i]))
	}
	return strings.TrimRight(string(signs), " "), all
}

// outerFirst counts the last and the first before those between them.
func outerFirst(n int) []int {
	order := []int{n - 1}
	for i := range n - 1 {
		order = append(order, i)
	}
	return order
}

func (s scale) ticks() (at []int64, labels []string) {
	return screen.Ticks(s.end-s.begin, min((s.cells+tickEvery-1)/tickEvery, mostTicks))
}

// grid returns the columns in which a mark of the axis stands, and the mark.
func (s scale) grid() map[int]rune {
	at, _ := s.ticks()
	columns := make(map[int]rune, len(at)+1)
	for _, ns := range at {
		columns[s.column(s.begin+ns)] = '·'
	}
	if s.ended != 0 {
		columns[s.column(s.ended)] = '┊'
	}
	return columns
}

func (s scale) column(ns int64) int { return min(s.eighth(ns)/eighths, s.cells-1) }
