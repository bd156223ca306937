package walk

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/prose"
	"glasskv/walkthrough/walk/tour"
)

// page is a chapter or a piece of source, laid out for a width.
type page struct {
	lines []string
	mark  int // the first line that is marked; -1 without a mark
}

// widestProse is how wide lines of prose are at most: longer ones are hard to read.
const widestProse = 92

// chapterPage lays a stop's chapter out: the facts, the prose with a line for each
// place in the source, and where one can go from here.
func chapterPage(t *tour.Tour, s *tour.Stop, l lang.Lang, width int) *page {
	width = min(width, widestProse)
	p := &page{mark: -1}
	for _, line := range screen.Wrap(strings.Join(facts(t, s, l), between), width) {
		p.lines = append(p.lines, screen.Dim.Paint(line))
	}
	p.lines = append(p.lines, "")
	c, ok := s.Chapter(l)
	if !ok {
		p.lines = append(p.lines, unwritten(s, l, width)...)
		return p
	}
	number := 0
	for _, b := range c.Blocks {
		if b.Source == nil {
			p.lines = append(p.lines, prose.Lines(b.Markdown, width)...)
		} else {
			number++
			p.lines = append(p.lines, quoteLine(number, b.Source, width))
		}
		p.lines = append(p.lines, "")
	}
	return p.jumps(t.Jumps(s, l), l, width)
}

// quoteLine stands in the chapter where the source belongs that the other pane shows.
func quoteLine(number int, q *chapter.Quote, width int) string {
	text := fmt.Sprintf("  [%d] %s", number, short(q.Symbol))
	if q.Anchor != "" {
		text += between + screen.Escape(q.Anchor)
	}
	return screen.Code.Paint(screen.Cut(text, width))
}

// jumps lists where one can go, under the keys that lead there.
func (p *page) jumps(all []tour.Jump, l lang.Lang, width int) *page {
	for i := range all {
		text := string(jumpKey(all[i].Kind)) + "  " + jumpWord(all[i].Kind, l) + " " + jumpName(&all[i])
		if all[i].Note != "" {
			text += " — " + screen.Escape(all[i].Note)
		}
		for n, line := range screen.Wrap(text, width-3) {
			if n > 0 {
				line = "   " + line
			}
			p.lines = append(p.lines, screen.Network.Paint(line))
		}
	}
	return p
}

func jumpName(j *tour.Jump) string {
	if j.Symbol != "" {
		return short(j.Symbol)
	}
	return j.Stage.String()
}

func jumpKey(k chapter.JumpKind) rune {
	switch k {
	case chapter.Caller:
		return 'c'
	case chapter.Handover:
		return 'h'
	}
	return 'e'
}

func jumpWord(k chapter.JumpKind, l lang.Lang) string {
	switch k {
	case chapter.Caller:
		return l.Pick("called by", "调用者")
	case chapter.Handover:
		return l.Pick("handed over to", "交接给")
	}
	return l.Pick("calls", "调用")
}

// unwritten is what is known of a stop without a chapter.
func unwritten(s *tour.Stop, l lang.Lang, width int) (out []string) {
	text := chapter.TextOf(s.Stage, l)
	paragraphs := []string{text.What, text.Slow, text.Do}
	switch {
	case s.Part != nil:
		paragraphs = []string{l.Pick("The server made this request itself, to answer the one above it.", "这个请求由服务端自己发出，用来回答它上面的那个请求。")}
	case s.Stage == stages.None:
		paragraphs = []string{l.Pick("A span of another program: GlassKV knows nothing about it but its times.", "来自其他程序的 span：除了它的时间，GlassKV 一无所知。")}
	}
	for _, p := range paragraphs {
		if p != "" {
			out = append(append(out, screen.Wrap(p, width)...), "")
		}
	}
	return out
}

// The columns in front of a line of source: the mark, the number, two blanks.
const (
	numberColumns = 5
	gutter        = 1 + numberColumns + 2
	tabColumns    = 4
)

// sourcePage lays lines of source out: numbers in front, long lines folded, a mark
// beside what is in question.
func sourcePage(lines []source.Line, width int) *page {
	p := &page{mark: -1}
	for _, line := range source.Expand(lines, tabColumns) {
		if line.Marked && p.mark < 0 {
			p.mark = len(p.lines)
		}
		var text screen.Runs
		for _, t := range line.Tokens {
			text.Add(screen.Escape(t.Text), roleOf(t.Kind))
		}
		front := numbered(line)
		for _, folded := range text.Fold(max(width-gutter, 1)) {
			p.lines = append(p.lines, front+folded)
			front = screen.Blank(gutter)
		}
	}
	return p
}

// remarks are what has to be said above a piece of source: that it is another one than
// the chapter was written for, that what should be marked is not in it.
func remarks(e *source.Excerpt, err error, l lang.Lang) (out []string) {
	if module := writtenFor(e); module != "" {
		out = append(out, l.Say("The chapter was written for %s, where this code is not the same.", "正文是按 %s 写的，那里的这段代码与此不同。", screen.Escape(module)))
	}
	if err != nil {
		out = append(out, screen.Escape(err.Error()))
	}
	return out
}

// writtenFor returns the version that the chapters were written for where its code is
// not that of the excerpt; "" where it is.
func writtenFor(e *source.Excerpt) string {
	if q, shown := chapter.WrittenFor(e.Symbol); shown && q.Hash != e.Hash {
		return q.Module
	}
	return ""
}

// under puts remarks above the lines of a page.
func (p *page) under(remarks []string, width int) *page {
	var above []string
	for _, r := range remarks {
		for _, line := range screen.Wrap(r, width) {
			above = append(above, screen.Warn.Paint(line))
		}
	}
	p.lines = append(above, p.lines...)
	if p.mark >= 0 {
		p.mark += len(above)
	}
	return p
}

func numbered(line source.Line) string {
	number := ""
	if line.Number > 0 {
		number = strconv.Itoa(line.Number)
	}
	number = screen.Right(number, numberColumns) + "  "
	if line.Marked {
		return screen.Warn.Paint(">") + screen.Warn.Paint(number)
	}
	return " " + screen.Comment.Paint(number)
}

func roleOf(k source.Kind) screen.Role {
	switch k {
	case source.Keyword, source.Builtin:
		return screen.Keyword
	case source.String, source.Number:
		return screen.Literal
	case source.Comment:
		return screen.Comment
	case source.Func:
		return screen.Code
	}
	return screen.Plain
}

// missing says in the reader's words why there is no source, and what to do.
func missing(err error, l lang.Lang) string {
	here, ok := errors.AsType[*source.NotHereError](err)
	switch {
	case !ok:
		return screen.Escape(err.Error())
	case here.Command == "":
		return l.Say("The source is not on this disk: this binary does not know its version of %s.", "这台机器上没有源码：这个程序不知道自己用的是 %s 的哪个版本。", here.Module)
	case here.NoGo:
		return l.Say("The source of %s is not on this disk, and there is no go command either. Install Go, then run: %s",
			"这台机器上没有 %s 的源码，也没有 go 命令。请先安装 Go，再执行：%s", here.Module, here.Command)
	}
	return l.Say("The source of %s is not on this disk. To get it, run: %s", "这台机器上没有 %s 的源码。执行下面的命令取得它：%s", here.Module, here.Command)
}
