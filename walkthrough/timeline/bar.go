package timeline

import (
	"math/bits"

	"glasskv/walkthrough/screen"
)

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
