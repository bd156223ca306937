package lesson

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/summary"
	"glasskv/walkthrough/timeline"
)

// maxTextColumns is the maximum width of a paragraph. Longer lines are hard to read.
const maxTextColumns = 100

// columns returns the width of paragraphs.
func (p *player) columns() int { return min(p.screen.Columns(p.out), maxTextColumns) }

// print prints text for people. It prints nothing if the output is JSON.
func (p *player) print(write func(*screen.Writer)) error {
	if p.Show.JSON() {
		return nil
	}
	out := screen.NewWriter(p.out, p.screen)
	write(out)
	return out.Close()
}

// block prints a paragraph. Before its first line it prints a mark, which is width
// columns wide, and before the others as many blanks.
func (p *player) block(out *screen.Writer, mark string, width int, text string) {
	for _, line := range screen.Wrap(text, p.columns()-width) {
		out.Line(mark, line)
		mark = screen.Blank(width)
	}
}

func (p *player) printTitle() error {
	l := p.screen.Lang
	facts := l.Say("%s · about %d minutes in class", "%s · 课堂上约 %d 分钟", p.lesson.Name, p.lesson.Minutes)
	return p.print(func(out *screen.Writer) {
		out.Line(screen.Strong.Paint(p.lesson.Title.In(l)))
		out.Line(screen.Dim.Paint(facts))
		out.Line()
	})
}

// say prints the paragraphs of a step.
func (p *player) say(s *Step) error {
	text, err := p.text(s, *s.Say)
	if err != nil {
		return err
	}
	all := paragraphs(text)
	if err := p.report(&Event{Text: strings.Join(all, "\n\n")}, s); err != nil {
		return err
	}
	return p.print(func(out *screen.Writer) {
		for _, paragraph := range all {
			p.block(out, "", 0, paragraph)
			out.Line()
		}
	})
}

func (p *player) warnMemory() error {
	return p.print(func(out *screen.Writer) {
		p.block(out, screen.Bad.Paint("! "), 2, p.screen.Lang.Say(
			"The data is in %s, which is memory: an fsync costs nothing there, and some claims will not hold. Set TMPDIR to a directory on a disk.",
			"数据目录 %s 在内存里，fsync 没有代价，有些结论会看不到。请把 TMPDIR 设为磁盘上的目录。", p.live.Dir()))
		out.Line()
	})
}

// show prints a timeline, a table, or results side by side.
func (p *player) show(s *Step) error {
	switch {
	case s.Show.Timeline != "":
		return p.showTimeline(s)
	case s.Show.Table != "":
		return p.showTable(s)
	}
	return p.showBeside(s)
}

func (p *player) showTimeline(s *Step) error {
	value, err := s.code.formulas[s.Show.Timeline].run(p.known)
	if err != nil {
		return err
	}
	request, ok := value.(*Request)
	if !ok || request == nil {
		return fmt.Errorf("%s is not a request", s.Show.Timeline)
	}
	t := request.timeline
	if p.Show.JSON() {
		return p.report(&Event{Timeline: t}, s)
	}
	fold := s.Show.Fold
	if fold == 0 {
		fold = time.Duration(t.DurationNS / foldDivisor)
	}
	if err := timeline.Render(p.out, t, timeline.Options{Options: p.screen, Fold: fold}); err != nil {
		return err
	}
	return p.print(func(out *screen.Writer) { out.Line() })
}

// foldDivisor sets the default of Show.Fold: stages shorter than the request's duration
// divided by it are folded.
const foldDivisor = 200

func (p *player) showTable(s *Step) error {
	timelines, err := p.timelines(s, s.Show.Table)
	if err != nil {
		return err
	}
	sum := summary.Summarize(timelines)
	if p.Show.JSON() {
		return p.report(&Event{Columns: map[string][]summary.Row{s.Show.Table: sum.Stages}}, s)
	}
	if err := summary.Table(p.out, sum, p.screen); err != nil {
		return err
	}
	return p.print(func(out *screen.Writer) { out.Line() })
}

// timelines evaluates a formula for a result or a request and returns its timelines.
func (p *player) timelines(s *Step, source string) ([]*trace.Timeline, error) {
	value, err := s.code.formulas[source].run(p.known)
	if err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case *Result:
		if v != nil {
			return v.timelines, nil
		}
	case *Request:
		if v != nil {
			return []*trace.Timeline{v.timeline}, nil
		}
	}
	return nil, fmt.Errorf("%s has no requests", source)
}

// pause waits for Enter, so that the class has time to look. At the end of the input,
// it stops all further reading.
func (p *player) pause(ctx context.Context) error {
	if p.input == nil {
		return nil
	}
	_, ok, err := p.input.read(ctx, p.out, p.screen.Lang.Pick("(Enter goes on) ", "（回车继续）"))
	if !ok {
		p.input, err = nil, cmp.Or(err, p.print(func(out *screen.Writer) { out.Line() }))
	}
	return err
}

// The layout of results side by side.
const (
	maxBeside        = 4    // the largest number of results
	maxNameColumns   = 26   // the largest width of a stage's name
	maxResultColumns = 20   // the largest width of a result: its median and its share of the wait
	shareColumns     = 6    // the width of the share alone
	minBesideShare   = 0.01 // a stage with a smaller share of the wait in all results is left out
)

// comparison draws several results side by side.
type comparison struct {
	name, column int // the widths of a stage's name and of a result, in columns
	titles       []string
	sums         []*summary.Summary
	byStage      []map[string]summary.Row
}

// showBeside prints the medians of several results side by side, a row for each stage.
func (p *player) showBeside(s *Step) error {
	b := &comparison{}
	for _, column := range s.Show.Beside {
		timelines, err := p.timelines(s, column.Of)
		if err != nil {
			return err
		}
		title, err := p.text(s, column.Title)
		if err != nil {
			return err
		}
		b.add(title, summary.Summarize(timelines))
	}
	if p.Show.JSON() {
		e := &Event{Columns: make(map[string][]summary.Row)}
		for i, title := range b.titles {
			e.Columns[title] = b.sums[i].Stages
		}
		return p.report(e, s)
	}
	b.fit(p.screen.Columns(p.out))
	return p.print(func(out *screen.Writer) { b.draw(out, p.screen) })
}

func (b *comparison) add(title string, sum *summary.Summary) {
	byStage := make(map[string]summary.Row)
	for _, row := range sum.Stages {
		byStage[row.Stage] = row
	}
	b.titles, b.sums, b.byStage = append(b.titles, title), append(b.sums, sum), append(b.byStage, byStage)
}

// stages returns the stages that have at least minBesideShare of the wait in some
// result, in the order of the path.
func (b *comparison) stages() (names []string) {
	for _, rows := range b.byStage {
		for name, row := range rows {
			if row.Share >= minBesideShare && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	order := func(name string) int {
		stage, known := stages.ByName(name)
		if !known {
			return int(stages.NumStages)
		}
		return int(stage)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(order(x), order(y)), cmp.Compare(x, y)) })
	return names
}

// fit divides the width: first the names get their maximum, then the results the rest.
func (b *comparison) fit(width int) {
	b.name = min(maxNameColumns, width-len(b.sums)*(maxResultColumns-shareColumns))
	b.column = min(maxResultColumns, (width-b.name)/len(b.sums))
}

func (b *comparison) draw(out *screen.Writer, o screen.Options) {
	l := o.Lang
	b.heads(out)
	units := screen.Right("p50", b.column-shareColumns) + screen.Right(l.Pick("wait", "等待"), shareColumns)
	out.Line(screen.Dim.Paint(screen.Blank(b.name) + strings.Repeat(units, len(b.sums))))
	for _, name := range b.stages() {
		role, shown := screen.Unknown, name
		if stage, known := stages.ByName(name); known {
			role = screen.RoleOf(stages.SpecOf(stage).Kind)
		} else if name == trace.Unexplained {
			shown = l.Pick(name, "未解释")
		}
		line := role.Paint("● ") + screen.Left(screen.Middle(screen.Escape(shown), b.name-3), b.name-2)
		for _, rows := range b.byStage {
			line += b.cell(rows[name])
		}
		out.Line(line)
	}
	total := screen.Left(l.Pick("the whole request", "整个请求"), b.name)
	for _, sum := range b.sums {
		total += screen.Right(screen.Duration(sum.Total.P50), b.column-shareColumns) + screen.Blank(shareColumns)
	}
	out.Line(screen.Strong.Paint(total))
	out.Line()
}

// heads prints the titles above their columns, on as many lines as the longest needs.
func (b *comparison) heads(out *screen.Writer) {
	wrapped, most := make([][]string, len(b.titles)), 0
	for i, title := range b.titles {
		wrapped[i] = screen.Wrap(title, b.column-2)
		most = max(most, len(wrapped[i]))
	}
	for n := range most {
		line := screen.Blank(b.name)
		for _, w := range wrapped {
			text := ""
			if at := n - (most - len(w)); at >= 0 {
				text = w[at]
			}
			line += screen.Right(text, b.column)
		}
		out.Line(screen.Strong.Paint(line))
	}
}

// cell returns the median of a stage and its share of the wait, or a dash.
func (b *comparison) cell(row summary.Row) string {
	if row.Count == 0 {
		return screen.Dim.Paint(screen.Right("–", b.column-shareColumns) + screen.Blank(shareColumns))
	}
	return screen.Right(screen.Duration(row.P50), b.column-shareColumns) + screen.Right(screen.RoundPercent(row.Share), shareColumns)
}
