package summary

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// Widths, in columns.
const (
	markColumns   = 2
	countColumns  = 7
	timeColumns   = 9
	shareColumns  = 8
	maxName       = 46
	minBar        = 12
	maxBar        = 40
	sharedColumns = 7 // " ×123.4", after a bar

	wideFrom = 72  // the screen's width from which the bars and the column "max" are drawn
	deepFrom = 100 // the screen's width from which a level of the tree takes two columns
)

// smallShare is the share below which a row gets the small mark, as in a timeline.
const smallShare = 0.01

// table is the state of drawing one summary.
type table struct {
	s    *Summary
	opts screen.Options
	out  *screen.Writer

	width   int     // width of the screen
	name    int     // width of the names
	bar     int     // width of the bars; 0: neither bars nor the column "max" are drawn
	top     float64 // the largest share, which gets the longest bar
	present map[string]bool
}

// Table writes the summary as a table for people: a row for each stage, with a bar
// for its share of the wait. The error is that of writing to w.
func Table(w io.Writer, s *Summary, o screen.Options) error {
	t := &table{s: s, opts: o, out: screen.NewWriter(w, o), width: o.Columns(w), present: make(map[string]bool)}
	for _, r := range s.Stages {
		t.present[r.Stage] = true
		t.top = max(t.top, r.Share)
	}
	t.fit()
	say := o.Lang.Pick
	t.out.Line(screen.Dim.Paint(screen.Blank(markColumns+t.name) + t.numbers(
		say("count", "次数"), "p50", "p99", say("max", "最大"), say("share", "占比"))))
	for _, r := range s.Stages {
		t.row(r)
	}
	t.total()
	t.foot()
	return t.out.Close()
}

// fit gives the names the width that they need, and the bars the rest.
func (t *table) fit() {
	for _, r := range t.s.Stages {
		t.name = max(t.name, screen.Width(t.indented(r)))
	}
	fixed := screen.Width(t.numbers("", "", "", "", "")) + markColumns
	if t.width < wideFrom {
		t.name = min(max(t.name, 20), t.width-fixed)
		return
	}
	fixed += timeColumns + 2
	t.name = min(max(t.name, 20), maxName, t.width-fixed-minBar)
	t.bar = min(t.width-fixed-t.name, maxBar)
}

// indented writes a stage's name, indented by its depth.
func (t *table) indented(r Row) string {
	columns := 2
	if t.width < deepFrom {
		columns = 1
	}
	name := screen.Escape(r.Stage)
	if r.Stage == trace.Unexplained {
		name = t.opts.Lang.Pick(name, "未解释")
	}
	return screen.Blank(columns*depth(r.Stage, t.present)) + name
}

// numbers writes the numbers of a row in their columns.
func (t *table) numbers(count, p50, p99, most, share string) string {
	line := screen.Right(count, countColumns) + screen.Right(p50, timeColumns) + screen.Right(p99, timeColumns)
	if t.bar > 0 {
		line += screen.Right(most, timeColumns)
	}
	return line + screen.Right(share, shareColumns)
}

func (t *table) row(r Row) {
	mark, role := "●", screen.Unknown
	switch {
	case r.Share == 0:
		mark = " "
	case r.Share < smallShare:
		mark = "•"
	}
	if stage, known := stages.ByName(r.Stage); known {
		role = screen.RoleOf(stages.SpecOf(stage).Kind)
	} else if r.Stage == trace.Unexplained {
		mark = "░"
	}
	name := t.indented(r)
	lead := len(name) - len(strings.TrimLeft(name, " "))
	name = name[:lead] + screen.Middle(name[lead:], t.name-lead)
	t.out.Line(role.Paint(mark), " ", screen.Left(name, t.name), t.figures(r),
		"  ", role.Paint(t.barOf(r)), t.shared(r))
}

func (t *table) figures(r Row) string {
	return t.numbers(strconv.Itoa(r.Count), screen.Duration(r.P50), screen.Duration(r.P99),
		screen.Duration(r.Max), screen.Percent(r.Share))
}

func (t *table) total() {
	name := t.opts.Lang.Pick("the whole request", "整个请求")
	t.out.Line(screen.Blank(markColumns), screen.Strong.Paint(screen.Left(name, t.name)+t.figures(t.s.Total)))
}

// barOf draws a row's share, relative to the largest.
func (t *table) barOf(r Row) string {
	if t.bar == 0 || r.Share <= 0 {
		return ""
	}
	const parts = " ▏▎▍▌▋▊▉"
	eighths := max(1, int(r.Share/t.top*float64((t.bar-sharedColumns)*8)+0.5))
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune(parts)[rest])
	}
	return bar
}

// shared writes how many requests shared a stage on average; "" if it was not shared.
func (t *table) shared(r Row) string {
	if t.bar == 0 || r.SharedBy <= 1 {
		return ""
	}
	return screen.Dim.Paint(fmt.Sprintf(" ×%.1f", r.SharedBy))
}

// foot writes how many requests there are, and how much of them is explained.
func (t *table) foot() {
	l := t.opts.Lang
	t.out.Line()
	text := l.Say("%d requests · explained: %s at the median, %s at the 99th percentile",
		"%d 个请求 · 已解释：中位数 %s，第 99 百分位 %s",
		t.s.Requests, screen.Percent(t.s.Explained.Median), screen.Percent(t.s.Explained.P99))
	for _, line := range screen.Wrap(text, t.width) {
		t.out.Line(screen.Dim.Paint(line))
	}
}
