package timeline

import (
	"math/bits"
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

// Each cell of the plot is divided into eight; bit 0 is its left edge.
const eighths = 8

// A glyph and the eighths of a cell that it fills.
type glyph struct {
	sign rune
	mask uint8
}

// Block elements fill a cell from the left in steps of an eighth. From the
// right there are only the half and the eighth, and for a moment in the middle
// there are two strokes. The slim ones come first: of equally good ones the
// first is taken.
var blocks = []glyph{
	{'▏', 0x01}, {'▕', 0x80}, {'│', 0x08}, {'│', 0x10}, {'┃', 0x18}, {'▎', 0x03}, {'▍', 0x07},
	{'▌', 0x0f}, {'▐', 0xf0}, {'▋', 0x1f}, {'▊', 0x3f}, {'▉', 0x7f}, {'█', 0xff},
}

// strong draws the eighths of a cell in which the request waited.
func strong(mask uint8) rune {
	best, distance := ' ', eighths+1
	for _, g := range blocks {
		if d := bits.OnesCount8(g.mask ^ mask); d < distance {
			best, distance = g.sign, d
		}
	}
	return best
}

// thin draws the eighths of a cell in which the stage was under way.
func thin(mask uint8) rune {
	switch {
	case mask&0xf0 == 0:
		return '╴'
	case mask&0x0f == 0:
		return '╶'
	}
	return '─'
}

// scale maps time to the cells of a plot.
type scale struct {
	begin, end int64
	cells      int
	ended      int64 // when the wait ended, where the axis goes on beyond it
}

// eighth returns the position of a time, within the plot.
func (s scale) eighth(ns int64) int {
	whole := float64(max(1, s.end-s.begin))
	at := int(float64(ns-s.begin)/whole*float64(s.cells*eighths) + 0.5)
	return min(max(at, 0), s.cells*eighths)
}

// masks marks the eighths that the spans cover. What is too short to be seen
// gets one eighth: it was there.
func (s scale) masks(spans []span) []uint8 {
	out := make([]uint8, s.cells)
	for _, sp := range spans {
		if sp.end < s.begin || sp.begin > s.end {
			continue
		}
		from, to := s.eighth(sp.begin), s.eighth(sp.end)
		if from == to {
			from, to = min(from, s.cells*eighths-1), min(from, s.cells*eighths-1)+1
		}
		for i := from; i < to; i++ {
			out[i/eighths] |= 1 << (i % eighths)
		}
	}
	return out
}

// cell is one column of the plot.
type cell struct {
	sign rune
	role screen.Role
}

// bar draws a row's spans. One that goes on beyond the axis, or had not ended,
// ends in an arrow.
func (s scale) bar(r *row) []cell {
	cells := make([]cell, s.cells)
	under, waits := s.masks(r.under), s.masks(r.waits)
	for i := range cells {
		switch {
		case waits[i] != 0 && r.loose:
			cells[i] = cell{'░', r.role()}
		case waits[i] != 0:
			cells[i] = cell{strong(waits[i]), r.role()}
		case under[i] != 0:
			cells[i] = cell{thin(under[i]), r.role()}
		}
	}
	for _, u := range r.under {
		if r.open || u.end > s.end {
			cells[max(0, (s.eighth(u.end)-1)/eighths)] = cell{'▸', r.role()}
		}
		if u.begin < s.begin && u.end >= s.begin {
			cells[0] = cell{'◂', r.role()}
		}
	}
	return cells
}
