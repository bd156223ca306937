package check

import (
	"regexp"
	"slices"
	"strings"

	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// section is a heading in each language.
type section struct {
	en, zh   string
	optional bool
}

// sections stand in every chapter, in this order, behind a lead paragraph.
var sections = []section{
	{en: "What happens", zh: "发生了什么"},
	{en: "Who calls whom", zh: "谁调用谁"},
	{en: "What changes", zh: "改变了什么"},
	{en: "Why it is so", zh: "为什么这样"},
	{en: "What can go wrong", zh: "会出什么问题"},
	{en: "Then and now", zh: "当时与现在", optional: true},
	{en: "Look next", zh: "接下来看什么"},
}

// checkSections wants a lead, the sections in order and none of them empty, a
// place in the source, and the jumps in the end. The code of others is not
// copied, so there is no block of Go.
func checkSections(c *chapter.Chapter) []chapter.Problem {
	b := &Book{}
	if len(c.Blocks) == 0 || c.Blocks[0].Source != nil || strings.HasPrefix(c.Blocks[0].Markdown, "#") {
		b.complain(c, c.Line+1, "no lead paragraph between the title and the first section")
	}
	quotes := 0
	for _, block := range c.Blocks {
		if block.Source != nil {
			quotes++
		}
		for j, line := range strings.Split(block.Markdown, "\n") {
			if fence.MatchString(line) {
				b.complain(c, block.Line+j, "a block of Go: name the symbol in a source block instead")
			}
		}
	}
	b.checkHeadings(c)
	if quotes == 0 {
		b.complain(c, 0, "no source block")
	}
	if n := len(c.Jumps); n < 1 || n > mostJumps {
		b.complain(c, 0, "%d jumps, want 1 to %d", n, mostJumps)
	}
	return b.Problems
}

func (b *Book) checkHeadings(c *chapter.Chapter) {
	next := 0 // the section that may come now
	for _, h := range headings(c) {
		n := slices.IndexFunc(sections, func(s section) bool { return c.Lang.Pick(s.en, s.zh) == h.text })
		switch missing := required(next, n, c.Lang); {
		case n < 0:
			b.complain(c, h.line, "no section is called %q", h.text)
		case n < next:
			b.complain(c, h.line, "section %q is out of order", h.text)
		case missing != "":
			b.complain(c, h.line, "section %q is missing before %q", missing, h.text)
		}
		if h.empty {
			b.complain(c, h.line, "section %q is empty", h.text)
		}
		next = max(next, n+1)
	}
	if missing := required(next, len(sections), c.Lang); missing != "" {
		b.complain(c, 0, "section %q is missing", missing)
	}
}

// heading is that of a section.
type heading struct {
	text  string
	line  int
	empty bool // nothing stands below it
}

func headings(c *chapter.Chapter) (all []heading) {
	for _, block := range c.Blocks {
		for j, line := range strings.Split(block.Markdown, "\n") {
			if text, ok := strings.CutPrefix(line, "## "); ok {
				all = append(all, heading{text, block.Line + j, true})
			} else if n := len(all); n > 0 && (strings.TrimSpace(line) != "" || block.Source != nil) {
				all[n-1].empty = false
			}
		}
	}
	return all
}

const mostJumps = 5

var fence = regexp.MustCompile("^(```|~~~) *(go|golang)\\b")

// required returns the heading of a section from next up to n that may not be
// left out; "" when there is none.
func required(next, n int, l lang.Lang) string {
	for i := next; i < n; i++ {
		if !sections[i].optional {
			return l.Pick(sections[i].en, sections[i].zh)
		}
	}
	return ""
}
