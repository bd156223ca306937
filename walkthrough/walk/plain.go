package walk

import (
	"fmt"
	"io"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
	"glasskv/walkthrough/walk/prose"
	"glasskv/walkthrough/walk/tour"
)

// excerptLines is how much of a long function is printed: its head, and what stands
// around the statement in question.
const excerptLines = 28

// plain is the walk as text. It draws no boxes and no bars: it is read out as well.
type plain struct {
	tour  *tour.Tour
	opts  screen.Options
	width int
	out   *screen.Writer
	told  map[trace.Stage]int // the number of the stop at which a chapter was printed
}

// writePlain writes stop after stop: a heading, the times, the chapter with the
// source in its place, where one could go.
func writePlain(w io.Writer, t *tour.Tour, o *Options) error {
	opts := o.Show.Screen(w)
	p := &plain{tour: t, opts: opts, width: opts.Columns(w), out: screen.NewWriter(w, opts), told: make(map[trace.Stage]int)}
	p.opening()
	first, stops := o.stops(t)
	for i := range stops {
		p.stop(first+i+1, &stops[i])
	}
	return p.out.Close()
}

func (p *plain) opening() {
	l := p.opts.Lang
	title, code, took := headline(p.tour.Timeline, l)
	if code != "" { // another program's request may have none
		code += between
	}
	p.out.Line(screen.Strong.Paint(title), between, code, took)
	if v := verdict.Of(p.tour.Timeline, l); v.Sentence != "" {
		p.wrap(v.Sentence, screen.Plain)
	}
	p.out.Line(l.Say("%d stops", "共 %d 站", len(p.tour.Stops)))
}

func (p *plain) wrap(text string, role screen.Role) {
	for _, line := range screen.Wrap(text, p.width) {
		p.out.Line(role.Paint(line))
	}
}

// stop writes one stop. A stage's chapter is printed where the path first passes it.
func (p *plain) stop(number int, s *tour.Stop) {
	l := p.opts.Lang
	p.out.Line()
	p.out.Line()
	heading := name(s, l)
	c, written := s.Chapter(l)
	if written {
		heading += l.Pick(": ", "：") + screen.Escape(c.Title)
	}
	if number > 0 {
		heading = l.Say("%d of %d · %s", "第 %d 站，共 %d 站 · %s", number, len(p.tour.Stops), heading)
	}
	p.wrap("# "+heading, screen.Strong)
	p.wrap(strings.Join(facts(p.tour, s, l), between), screen.Dim)
	if before := p.told[s.Stage]; before > 0 {
		p.out.Line()
		p.wrap(l.Say("The chapter stands at stop %d.", "正文见第 %d 站。", before), screen.Plain)
		return
	}
	p.out.Line()
	if s.Stage != trace.None {
		p.told[s.Stage] = number
	}
	if !written {
		p.lines(unwritten(s, l, p.width))
		return
	}
	for _, b := range c.Blocks {
		if b.Source == nil {
			p.lines(prose.Lines(b.Markdown, p.width))
		} else {
			p.source(*b.Source)
		}
		p.out.Line()
	}
	p.jumps(s)
}

func (p *plain) lines(lines []string) {
	for _, line := range lines {
		p.out.Line(line)
	}
}

// jumps writes where one could go, and what to type for it.
func (p *plain) jumps(s *tour.Stop) {
	all := p.tour.Jumps(s, p.opts.Lang)
	for i := range all {
		j := &all[i]
		text := jumpWord(j.Kind, p.opts.Lang) + " " + jumpName(j)
		if j.Note != "" {
			text += " — " + screen.Escape(j.Note)
		}
		switch {
		case j.Stop >= 0:
			text += p.opts.Lang.Say(" (stop %d)", "（第 %d 站）", j.Stop+1)
		case j.Stage != trace.None:
			text += p.opts.Lang.Say(" (glasskv walk %s)", "（glasskv walk %s）", j.Stage)
		}
		p.wrap(text, screen.Network)
	}
}

// source writes a piece of source, or what to run where it is not on this disk.
func (p *plain) source(q chapter.Quote) {
	e, err := p.tour.Excerpt(q)
	if e == nil {
		p.wrap(fmt.Sprintf("%s: %s", short(q.Symbol), missing(err, p.opts.Lang)), screen.Warn)
		return
	}
	p.wrap(fmt.Sprintf("%s%s%s:%d%s%s", short(q.Symbol), between, screen.Escape(e.Name), e.First, between, screen.Escape(e.Module)), screen.Dim)
	p.lines(sourcePage(e.Around(excerptLines), p.width).under(remarks(e, err, p.opts.Lang), p.width).lines)
}
