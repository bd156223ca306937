package page

import (
	"strconv"

	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// scale maps time to percents of the plot's width.
type scale struct{ begin, end int64 }

// at is a time's place, within the plot.
func (s scale) at(ns int64) float64 {
	share := float64(ns-s.begin) / float64(max(1, s.end-s.begin))
	return 100 * min(max(share, 0), 1)
}

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// bar is a stretch of time on the plot.
type bar struct{ X, Width string }

// bars places the stretches of a row. What is too short to be seen is drawn by its
// outline.
func (s scale) bars(spans []timeline.Span) (out []bar) {
	for _, span := range spans {
		if span.End < s.begin || span.Begin > s.end {
			continue
		}
		from, to := s.at(span.Begin), s.at(span.End)
		out = append(out, bar{percent(from), percent(to - from)})
	}
	return out
}

// extent is the part of the plot that a row's bars take.
func (s scale) extent(spans []timeline.Span) (from, to float64) {
	from, to = 100, 0
	for _, span := range spans {
		from, to = min(from, s.at(span.Begin)), max(to, s.at(span.End))
	}
	return min(from, to), to
}

// label is a text beside a bar, or on it.
type label struct {
	At, Shift, Anchor, Text string
	On                      bool // the bar
}

// labelColumn is how much of a narrow plot, of 200 pixels, a column of text takes.
const labelColumn = 3.2

// label stands on the side where there is more room; on the bar where that is not
// enough and the bar has more.
func (s scale) label(row *timeline.Row, text string) *label {
	if text == "" {
		return nil
	}
	from, to := s.extent(row.Under)
	room := max(from, 100-to)
	switch {
	case room < labelColumn*float64(screen.Width(text)) && room < to-from:
		return &label{percent(from), "6", "start", text, true}
	case 100-to >= from:
		return &label{percent(to), "6", "start", text, false}
	}
	return &label{percent(from), "-6", "end", text, false}
}
