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

// layout is a chapter or a piece of source as lines for a certain width.
type layout struct {
	lines []string
	mark  int // the index of the first marked line; -1 without one
}

// widestProse limits the width of prose: longer lines are hard to read.
const widestProse = 92

// layoutChapter lays out a stop's chapter: the facts, the prose with a line for each
// quote of source, and the jumps.
func layoutChapter(t *tour.Tour, s *tour.Stop, l lang.Lang, width int) *layout {
	width = min(width, widestProse)
	p := &layout{mark: -1}
	for _, line := range screen.Wrap(strings.Join(facts(t, s, l), middot), width) {
		p.lines = append(p.lines, screen.Dim.Paint(line))
	}
	p.lines = append(p.lines, "")
	c, ok := s.Chapter(l)
	if !ok {
		p.lines = append(p.lines, catalogueText(s, l, width)...)
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

// quoteLine returns the line of the chapter that refers to a quote. The other pane shows
// the source.
func quoteLine(number int, q *chapter.Quote, width int) string {
	text := fmt.Sprintf("  [%d] %s", number, shortName(q.Symbol))
	if q.Anchor != "" {
		text += middot + screen.Escape(q.Anchor)
	}
	return screen.Code.Paint(screen.Cut(text, width))
}

// jumps appends the jumps, each with its key.
func (p *layout) jumps(all []tour.Jump, l lang.Lang, width int) *layout {
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
		return shortName(j.Symbol)
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

// catalogueText returns what the catalogue says about a stop without a chapter.
func catalogueText(s *tour.Stop, l lang.Lang, width int) (out []string) {
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

// layoutSource lays out lines of source: with numbers and marks in front, and long lines
// folded.
func layoutSource(lines []source.Line, width int) *layout {
	p := &layout{mark: -1}
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

// remarks returns the warnings above a piece of source: that the chapter was written for
// other code, or that the statement to mark is not in it.
func remarks(e *source.Excerpt, err error, l lang.Lang) (out []string) {
	if module := writtenFor(e); module != "" {
		out = append(out, l.Say("The chapter was written for %s, where this code is not the same.", "正文是按 %s 写的，那里的这段代码与此不同。", screen.Escape(module)))
	}
	if err != nil {
		out = append(out, screen.Escape(err.Error()))
	}
	return out
}

// writtenFor returns the version that the chapters were written for, or "" if its code
// is the same as the excerpt's.
func writtenFor(e *source.Excerpt) string {
	if q, shown := chapter.WrittenFor(e.Symbol); shown && q.Hash != e.Hash {
		return q.Module
	}
	return ""
}

// withRemarks puts remarks above the lines.
func (p *layout) withRemarks(remarks []string, width int) *layout {
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

// numbered returns the columns in front of a line: its mark and its number.
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

// whyNoSource says why there is no source, and what to do about it.
func whyNoSource(err error, l lang.Lang) string {
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
