package page

import (
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// chartView is the data of the template "request".
type chartView struct {
	*timeline.Chart
	Mood     string
	Explain  namedLink // the stage that the verdict names; empty if it names none
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

// rowView is a row of the waterfall. It is a link if it belongs to a stop.
type rowView struct {
	Href, Class, Note, Spoken string
	Mark, Name, Took, Share   string
	Here, Much, Unexplained   bool
	Under, Waits              []bar
	Before, Beyond            bool // it begins before the plot, or ends after it
	Label                     *label
}

// The shares of the request's time from which a row has the large mark, and from which
// its share is emphasized.
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
		c.Sections = append(c.Sections, v.sectionView(&v.chart.Sections[i]))
	}
	for _, r := range v.chart.Remarks {
		c.Remarks = append(c.Remarks, remarkView{r.Text, r.Role == screen.Warn})
	}
	return c
}

// class returns the CSS class of a kind of time.
func class(k stages.Kind) string {
	if k == stages.KindNone {
		return "none"
	}
	return string(k)
}

func (v *visit) sectionView(from *timeline.Section) sectionView {
	s := scale{from.Begin, from.End}
	out := sectionView{Title: from.Title}
	if from.Ended != 0 {
		out.Ended = percent(s.position(from.Ended))
	}
	for _, t := range from.Ticks {
		at := s.position(t.At)
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
		out.Rows = append(out.Rows, v.rowView(s, &from.Rows[i]))
	}
	return out
}

func (v *visit) rowView(s scale, from *timeline.Row) rowView {
	r := rowView{
		Name: from.Name, Took: from.Took, Share: from.Share, Note: from.Note,
		Much: from.Waited >= muchShare && !from.Unexplained, Unexplained: from.Unexplained,
		Under: s.bars(from.Under), Waits: s.bars(from.Waits),
		Label: s.label(from, strings.Join(from.Labels, " · ")),
	}
	classes := []string{class(from.Kind), "d" + strconv.Itoa(min(from.Depth, 9))}
	switch {
	case from.Unexplained:
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
		r.Href, r.Here = v.location.stop(v.t, from.Entry), from.Entry == v.index
		r.Spoken = v.spoken(from)
	}
	return r
}

// spoken returns a row as a text for screen readers.
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

// scale maps time, in nanoseconds, to positions in the plot.
type scale struct{ begin, end int64 }

// position returns where a time is in the plot, in percent of its width. Times outside are
// moved to the edge.
func (s scale) position(ns int64) float64 {
	share := float64(ns-s.begin) / float64(max(1, s.end-s.begin))
	return 100 * min(max(share, 0), 1)
}

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// bar is an interval of time in the plot.
type bar struct{ X, Width string }

// bars returns the bars of a row, without those outside the plot. The style gives each bar
// an outline, so that a very short one is visible.
func (s scale) bars(intervals []timeline.Interval) (out []bar) {
	for _, t := range intervals {
		if t.End < s.begin || t.Begin > s.end {
			continue
		}
		from, to := s.position(t.Begin), s.position(t.End)
		out = append(out, bar{percent(from), percent(to - from)})
	}
	return out
}

// extent returns where a row's first bar begins and where its last ends, in percent of
// the plot's width.
func (s scale) extent(intervals []timeline.Interval) (from, to float64) {
	from, to = 100, 0
	for _, t := range intervals {
		from, to = min(from, s.position(t.Begin)), max(to, s.position(t.End))
	}
	return min(from, to), to
}

// label is a text beside a bar, or on it.
type label struct {
	At, Shift, Anchor, Text string
	On                      bool // it is on the bar
}

// labelColumn is the width of a column of text, in percent of a plot of 200 pixels, which
// is a narrow one.
const labelColumn = 3.2

// label returns the label of a row: beside the bars, on the side with more room, or on
// the bar if there is not enough room beside it and more on it.
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
