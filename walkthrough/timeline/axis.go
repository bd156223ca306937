package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// tickEvery is how many columns a mark of the axis wants at least.
const tickEvery = 5

// requestScale spans the request from its begin to its end, and beyond it where
// stages went on after the reply: at most as long again.
func requestScale(t *trace.Timeline, cells int) scale {
	end := t.DurationNS
	for i := range t.Stages {
		if st := &t.Stages[i]; st.Scope != trace.ScopeConn && !st.Open {
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
		if st.Open {
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

// marks writes the axis: its round times above their columns. The last one,
// which carries the unit, always has its place.
func (s scale) marks() string {
	at, labels := s.ticks()
	line := []rune(screen.Blank(s.cells))
	free := s.cells
	put := func(i int) {
		column := s.column(s.begin + at[i])
		if i > 0 {
			column -= (screen.Width(number(labels[i])) - 1) / 2
		}
		column = max(0, min(column, s.cells-screen.Width(labels[i])))
		if i == len(at)-1 {
			free = column
		} else if column+screen.Width(labels[i]) >= free || column > 0 && line[column-1] != ' ' {
			return // no room beside its neighbours
		}
		copy(line[column:], []rune(labels[i]))
	}
	put(len(at) - 1)
	for i := range len(at) - 1 {
		put(i)
	}
	return strings.TrimRight(string(line), " ")
}

func (s scale) ticks() (at []int64, labels []string) {
	return screen.Ticks(s.end-s.begin, (s.cells+tickEvery-1)/tickEvery)
}

// number cuts off the unit, so that the number stands over its mark.
func number(label string) string {
	n, _, _ := strings.Cut(label, " ")
	return n
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
