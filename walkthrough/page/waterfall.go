package page

import (
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// chartView is a timeline as the template "request" draws it.
type chartView struct {
	*timeline.Chart
	Mood     string
	Explain  namedLink // the stage that the verdict names; no address where it names none
	Kinds    []kindView
	Sections []sectionView
	Remarks  []remarkView
}

type kindView struct{ Class, Name, Share string }

type remarkView struct {
	Text string
	Warn bool
}

type sectionView struct {
	Title string
	Ended string
	Ticks []tickView
	Rows  []rowView
}

type tickView struct{ At, Anchor, Label string }

// rowView is a line of the waterfall: a link to its stop, where it has one.
type rowView struct {
	Href, Class, Note, Spoken string
	Mark, Name, Took, Share   string
	Here, Much, Loose         bool
	Under, Waits              []bar
	Before, Beyond            bool // it goes on beyond the plot's edges
	Label                     *label
}

// The shares below which a row has the small mark, and from which it is stressed.
const (
	smallShare = 0.01
	muchShare  = 0.1
)

func (v *visit) chartView() chartView {
	c := chartView{Chart: v.chart, Mood: mood(v.chart.Role)}
	if stage, known := stages.ByName(v.chart.Verdict.Explain); known {
		c.Explain = namedLink{v.href(stage.String(), nil), stage.String()}
	}
	for _, k := range v.chart.Kinds {
		c.Kinds = append(c.Kinds, kindView{class(k.Kind), k.Name, k.Share})
	}
	for i := range v.chart.Sections {
		c.Sections = append(c.Sections, v.section(&v.chart.Sections[i]))
	}
	for _, r := range v.chart.Remarks {
		c.Remarks = append(c.Remarks, remarkView{r.Text, r.Role == screen.Warn})
	}
	return c
}

// class is the class of a kind of time, which has its colour.
func class(k stages.Kind) string {
	if k == stages.KindNone {
		return "none"
	}
	return string(k)
}

func (v *visit) section(from *timeline.Section) sectionView {
	s := scale{from.Begin, from.End}
	out := sectionView{Title: from.Title}
	if from.Ended != 0 {
		out.Ended = percent(s.at(from.Ended))
	}
	for _, t := range from.Ticks {
		at := s.at(t.At)
		anchor := "middle"
		switch {
		case at < 3:
			anchor = "start"
		case at > 94:
			anchor = "end"
		}
		out.Ticks = append(out.Ticks, tickView{percent(at), anchor, t.Label})
	}
	for i := range from.Rows {
		out.Rows = append(out.Rows, v.row(s, &from.Rows[i]))
	}
	return out
}

func (v *visit) row(s scale, from *timeline.Row) rowView {
	r := rowView{
		Name: from.Name, Took: from.Took, Share: from.Share, Note: from.Note,
		Much: from.Waited >= muchShare && !from.Loose, Loose: from.Loose,
		Under: s.bars(from.Under), Waits: s.bars(from.Waits),
		Label: s.label(from, strings.Join(from.Labels, " · ")),
	}
	classes := []string{class(from.Kind), "d" + strconv.Itoa(min(from.Depth, 9))}
	switch {
	case from.Loose:
		classes = append(classes, "loose")
	case from.Hidden:
		classes = append(classes, "left-out")
	case from.Waited >= smallShare:
		r.Mark, classes = "●", append(classes, "waited")
	case from.Waited > 0:
		r.Mark = "•"
	}
	for _, u := range from.Under {
		r.Beyond = r.Beyond || from.Open || u.End > s.end
		r.Before = r.Before || u.Begin < s.begin && u.End >= s.begin
	}
	r.Class = strings.Join(classes, " ")
	if from.Entry >= 0 && from.Entry < len(v.t.Stops) {
		r.Href, r.Here = v.at.stop(v.t, from.Entry), from.Entry == v.index
		r.Spoken = v.spoken(from)
	}
	return r
}

// spoken is the row for those who do not see it.
func (v *visit) spoken(from *timeline.Row) string {
	parts := []string{from.Name}
	if from.Took != "" {
		parts = append(parts, from.Took)
	}
	if from.Share != "" {
		parts = append(parts, v.lang.Say("the request waited %s here", "请求在此等待 %s", from.Share))
	}
	return strings.Join(append(parts, from.Labels...), v.lang.Pick(", ", "，"))
}

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
