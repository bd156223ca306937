package lesson

import (
	"fmt"
	"strings"
	"sync"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

// pointLines is how many lines of source a class is shown at once.
const pointLines = 14

// point shows a place in the source, from the reader's own disk. Source that is not
// there does not end the lesson; what to run is said instead.
func (p *player) point(s *Step) error {
	note, err := p.text(s, s.Point.Note)
	if err != nil {
		return err
	}
	from := p.Source
	if from == nil {
		from = library()
	}
	excerpt, missing := from.Excerpt(s.Point.Symbol, s.Point.Anchor)
	e := &Event{Text: strings.Join(paragraphs(note), " "), Symbol: s.Point.Symbol, Anchor: s.Point.Anchor}
	if missing == nil {
		e.File, e.First, e.Last = excerpt.File, excerpt.First, excerpt.Last
	}
	if err := p.report(e, s); err != nil {
		return err
	}
	return p.say(func(out *screen.Writer) {
		p.block(out, "", 0, e.Text)
		if missing != nil {
			p.block(out, screen.Dim.Paint("  "), 2, screen.Escape(missing.Error()))
			out.Line()
			return
		}
		p.excerpt(out, excerpt)
	})
}

// excerpt writes where it stands and what stands there.
func (p *player) excerpt(out *screen.Writer, e *source.Excerpt) {
	width := p.screen.Columns(p.out)
	symbol, at := e.Symbol, fmt.Sprintf("%s:%d", e.Name, max(e.First, e.MarkFirst))
	if one := symbol + "  " + at; screen.Width(one) <= width-2 {
		out.Line("  ", screen.Dim.Paint(one))
	} else {
		out.Line("  ", screen.Dim.Paint(screen.Middle(symbol, width-2)))
		out.Line("  ", screen.Dim.Paint(screen.Middle(at, width-2)))
	}
	for _, line := range source.Expand(e.Around(pointLines), 4) {
		out.Line(sourceLine(line, width))
	}
	out.Line()
}

// sourceLine draws a line of source: its number, a mark where it is the one that
// counts, and its text, cut at the screen's edge.
func sourceLine(line source.Line, width int) string {
	number := screen.Blank(6)
	if line.Number > 0 {
		number = fmt.Sprintf("%6d", line.Number)
	}
	text := screen.Cut(screen.Escape(line.Text()), width-9)
	if line.Marked {
		return screen.Dim.Paint(number) + screen.Warn.Paint(" ▸ ") + screen.Strong.Paint(text)
	}
	return screen.Dim.Paint(number+"   ") + text
}

// chapter names the chapter to read on, and the command that opens it.
func (p *player) chapter(s *Step) error {
	if err := p.report(&Event{Stage: s.Chapter}, s); err != nil {
		return err
	}
	stage, _ := trace.StageByName(s.Chapter)
	title := ""
	if c, ok := chapter.Of(stage, p.screen.Lang); ok {
		title = c.Title
	}
	return p.say(func(out *screen.Writer) {
		p.block(out, screen.Dim.Paint("→ "), 2, strings.TrimSpace(fmt.Sprintf("glasskv walk %s   %s", s.Chapter, title)))
		out.Line()
	})
}

// library is where upstream's source is; finding out takes a go command, so it is
// asked for once and only when a lesson points somewhere.
var library = sync.OnceValue(source.NewLibrary)
