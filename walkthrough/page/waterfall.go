package page

import (
	"strconv"
	"strings"

	"glasskv/trace"
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
	if stage, known := trace.StageByName(v.chart.Verdict.Explain); known {
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
func class(k trace.Kind) string {
	if k == trace.KindNone {
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
