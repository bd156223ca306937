package timeline

import (
	"math/bits"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// A cell of the plot is divided into eighths. A mask has a bit for each of them; bit
// 0 is the left edge.
const eighths = 8

// scale maps times, in nanoseconds from the request's start, to the cells of a plot.
type scale struct {
	begin, end int64
	cells      int
	ended      int64 // when the wait ended, if the axis goes on beyond it; else 0
}

// eighth returns the position of a time in eighths of a cell. A time outside of the
// scale is at its edge.
func (s scale) eighth(ns int64) int {
	whole := float64(max(1, s.end-s.begin))
	at := int(float64(ns-s.begin)/whole*float64(s.cells*eighths) + 0.5)
	return min(max(at, 0), s.cells*eighths)
}

const (
	tickEvery = 5  // the least number of columns from one tick of an axis to the next
	maxTicks  = 10 // the largest number of ticks of an axis
)

// requestScale returns the scale for a request's own stages. It runs from the start of
// the request to its end. If stages ended later, the scale runs to the end of the last
// one, but to no more than twice the request's duration.
func requestScale(t *trace.Timeline, cells int) scale {
	end := t.DurationNS
	for i := range t.Stages {
		if st := &t.Stages[i]; st.Scope != stages.ScopeConn && !st.Open {
			end = max(end, st.EndNS)
		}
	}
	// A stage that ends a fraction of a column later is not worth a longer axis.
	if float64(end-t.DurationNS) < 0.02*float64(t.DurationNS) {
		end = t.DurationNS
	}
	s := scale{end: max(1, min(end, 2*t.DurationNS)), cells: cells}
	if s.end > t.DurationNS {
		s.ended = t.DurationNS
	}
	return s
}

// connScale returns the scale of the connection's stages. If none of them began
// before the request, ok is false: they share the request's scale.
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

// isLife reports whether a stage is the life of its connection, which goes on beyond
// every request.
func isLife(st *trace.StageTime) bool {
	stage, known := stages.ByName(st.Stage)
	return known && stages.SpecOf(stage).Kind == stages.KindNone
}

// marks writes the axis: a round time above the column of each tick. The last tick
// has the unit, or the first if the unit would leave another tick no room.
func (s scale) marks() string {
	at, labels := s.ticks()
	last := len(at) - 1
	text, unit, _ := strings.Cut(labels[last], " ")
	line, all := s.writeLabels(at, labels)
	if all || last == 0 {
		return line
	}
	labels[last] = text
	labels[0] += " " + unit
	if other, all := s.writeLabels(at, labels); all {
		return other
	}
	return line
}

// writeLabels writes each label with its number above the column of its tick. If all
// is false, there was no room for some of them; the first and the last are always
// written.
func (s scale) writeLabels(at []int64, labels []string) (line string, all bool) {
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

// outerFirst returns the numbers below n with the last and the first before all
// others, since these may take the room of their neighbours.
func outerFirst(n int) []int {
	order := []int{n - 1}
	for i := range n - 1 {
		order = append(order, i)
	}
	return order
}

func (s scale) ticks() (at []int64, labels []string) {
	return screen.Ticks(s.end-s.begin, min((s.cells+tickEvery-1)/tickEvery, maxTicks))
}

// grid returns, by column, the marks that rows show where they have no bar: the
// ticks, and the end of the wait.
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

// glyph is a sign with the eighths of a cell that it fills.
type glyph struct {
	sign rune
	mask uint8
}

// blocks are the signs of a strong bar. Unicode's block elements fill a cell from
// the left in steps of an eighth; from the right there are only the half and the
// eighth, and for a short time in the middle there are two strokes. Of glyphs that
// fit equally well the first is taken, so the slim ones come first.
var blocks = []glyph{
	{'▏', 0x01}, {'▕', 0x80}, {'│', 0x08}, {'│', 0x10}, {'┃', 0x18}, {'▎', 0x03}, {'▍', 0x07},
	{'▌', 0x0f}, {'▐', 0xf0}, {'▋', 0x1f}, {'▊', 0x3f}, {'▉', 0x7f}, {'█', 0xff},
}

// strong returns the sign that comes nearest to the mask, for a time in which the
// request waited.
func strong(mask uint8) rune {
	best, distance := ' ', eighths+1
	for _, g := range blocks {
		if d := bits.OnesCount8(g.mask ^ mask); d < distance {
			best, distance = g.sign, d
		}
	}
	return best
}

// thin returns the sign for a time in which the stage was under way, and the request
// waited elsewhere.
func thin(mask uint8) rune {
	switch {
	case mask&0xf0 == 0:
		return '╴'
	case mask&0x0f == 0:
		return '╶'
	}
	return '─'
}

// masks returns a mask for each cell, with the eighths that the intervals cover. An
// interval that is too short to be seen covers one eighth.
func (s scale) masks(intervals []Interval) []uint8 {
	out := make([]uint8, s.cells)
	for _, x := range intervals {
		if x.End < s.begin || x.Begin > s.end {
			continue
		}
		from, to := s.eighth(x.Begin), s.eighth(x.End)
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

// bar draws a row. An interval that goes beyond the scale, or had not ended, gets an
// arrow at that edge.
func (s scale) bar(r *row) []cell {
	cells := make([]cell, s.cells)
	under, waits := s.masks(r.under), s.masks(r.waits)
	for i := range cells {
		switch {
		case waits[i] != 0 && r.unexplained:
			cells[i] = cell{'░', r.role()}
		case waits[i] != 0:
			cells[i] = cell{strong(waits[i]), r.role()}
		case under[i] != 0:
			cells[i] = cell{thin(under[i]), r.role()}
		}
	}
	for _, u := range r.under {
		if r.open || u.End > s.end {
			cells[max(0, (s.eighth(u.End)-1)/eighths)] = cell{'▸', r.role()}
		}
		if u.Begin < s.begin && u.End >= s.begin {
			cells[0] = cell{'◂', r.role()}
		}
	}
	return cells
}
