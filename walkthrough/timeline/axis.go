package timeline

import (
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// tickEvery is how many columns a mark of the axis wants at least.
const tickEvery = 9

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
	return scale{0, max(1, min(end, 2*t.DurationNS)), cells}
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

// marks writes the axis: its round times above their columns.
func (s scale) marks() string {
	at, labels := screen.Ticks(s.end-s.begin, max(1, s.cells/tickEvery))
	line := make([]rune, 0, s.cells)
	for i, label := range labels {
		column := s.eighth(s.begin+at[i]) / eighths
		if i > 0 {
			column -= screen.Width(number(label)) / 2
		}
		column = min(column, s.cells-screen.Width(label))
		if column < len(line) || i > 0 && column == len(line) {
			continue // no room beside the one before
		}
		line = append(line, []rune(screen.Blank(column-len(line))+label)...)
	}
	return string(line)
}

// number cuts off the unit, so that the number stands over its mark.
func number(label string) string {
	n, _, _ := strings.Cut(label, " ")
	return n
}

// grid returns the columns in which a mark of the axis stands.
func (s scale) grid() map[int]bool {
	at, _ := screen.Ticks(s.end-s.begin, max(1, s.cells/tickEvery))
	columns := make(map[int]bool, len(at))
	for _, ns := range at {
		if c := s.eighth(s.begin+ns) / eighths; c < s.cells {
			columns[c] = true
		}
	}
	return columns
}
