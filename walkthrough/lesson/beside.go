package lesson

import (
	"cmp"
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/summary"
)

// The columns of results side by side.
const (
	maxBeside    = 4
	mostName     = 26 // columns of a stage's name
	mostColumn   = 20 // of a result: the median and the share of the wait
	shareColumns = 6  // of which the share takes so many
	besideFrom   = 0.01
)

// beside is several results side by side while they are drawn.
type beside struct {
	name, column int // how wide they are
	titles       []string
	sums         []*summary.Summary
	byStage      []map[string]summary.Row
}

// showBeside puts the medians of several results next to each other, stage by stage.
func (p *player) showBeside(s *Step) error {
	b := &beside{}
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
	return p.say(func(out *screen.Writer) { b.draw(out, p.screen) })
}

func (b *beside) add(title string, sum *summary.Summary) {
	byStage := make(map[string]summary.Row)
	for _, row := range sum.Stages {
		byStage[row.Stage] = row
	}
	b.titles, b.sums, b.byStage = append(b.titles, title), append(b.sums, sum), append(b.byStage, byStage)
}

// stages are those that some column waited in for a while, in the order of the path.
func (b *beside) stages() (names []string) {
	for _, rows := range b.byStage {
		for name, row := range rows {
			if row.Share >= besideFrom && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	order := func(name string) int {
		stage, known := trace.StageByName(name)
		if !known {
			return int(trace.NumStages)
		}
		return int(stage)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(order(x), order(y)), cmp.Compare(x, y)) })
	return names
}

// fit gives the names what they need at most, and the columns the rest.
func (b *beside) fit(width int) {
	b.name = min(mostName, width-len(b.sums)*(mostColumn-shareColumns))
	b.column = min(mostColumn, (width-b.name)/len(b.sums))
}

func (b *beside) draw(out *screen.Writer, o screen.Options) {
	l := o.Lang
	b.heads(out)
	units := screen.Right("p50", b.column-shareColumns) + screen.Right(l.Pick("wait", "等待"), shareColumns)
	out.Line(screen.Dim.Paint(screen.Blank(b.name) + strings.Repeat(units, len(b.sums))))
	for _, name := range b.stages() {
		role, shown := screen.Unknown, name
		if stage, known := trace.StageByName(name); known {
			role = screen.RoleOf(trace.SpecOf(stage).Kind)
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

// heads writes the titles above their columns, on as many lines as they need.
func (b *beside) heads(out *screen.Writer) {
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

// cell is the median of a stage and its share of the wait.
func (b *beside) cell(row summary.Row) string {
	if row.Count == 0 {
		return screen.Dim.Paint(screen.Right("–", b.column-shareColumns) + screen.Blank(shareColumns))
	}
	return screen.Right(screen.Duration(row.P50), b.column-shareColumns) + screen.Right(screen.RoundPercent(row.Share), shareColumns)
}
