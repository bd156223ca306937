package check

import (
	"fmt"
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
func checkSections(c *chapter.Chapter) (problems []chapter.Problem) {
	complain := func(line int, format string, args ...any) {
		problems = append(problems, chapter.Problem{File: c.File, Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if len(c.Blocks) == 0 || c.Blocks[0].Source != nil || strings.HasPrefix(c.Blocks[0].Markdown, "#") {
		complain(2, "no lead paragraph between the title and the first section")
	}
	next, quotes := 0, 0
	for i, b := range c.Blocks {
		if b.Source != nil {
			quotes++
			continue
		}
		for j, line := range strings.Split(b.Markdown, "\n") {
			at := b.Line + j
			if fence.MatchString(line) {
				complain(at, "a block of Go: name the symbol in a source block instead")
			}
			heading, ok := strings.CutPrefix(line, "## ")
			if !ok {
				continue
			}
			n := slices.IndexFunc(sections, func(s section) bool { return c.Lang.Pick(s.en, s.zh) == heading })
			switch missing := required(next, n, c.Lang); {
			case n < 0:
				complain(at, "no section is called %q", heading)
				continue
			case n < next:
				complain(at, "section %q is out of order", heading)
			case missing != "":
				complain(at, "section %q is missing before %q", missing, heading)
			}
			next = max(next, n+1)
			if emptyAfter(c, i, j) {
				complain(at, "section %q is empty", heading)
			}
		}
	}
	if missing := required(next, len(sections), c.Lang); missing != "" {
		complain(0, "section %q is missing", missing)
	}
	if quotes == 0 {
		complain(0, "no source block")
	}
	if n := len(c.Jumps); n < 1 || n > mostJumps {
		complain(0, "%d jumps, want 1 to %d", n, mostJumps)
	}
	return problems
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

// emptyAfter tells whether nothing stands between a heading, line j of block i,
// and the next one.
func emptyAfter(c *chapter.Chapter, i, j int) bool {
	for _, line := range strings.Split(c.Blocks[i].Markdown, "\n")[j+1:] {
		if strings.TrimSpace(line) != "" {
			return strings.HasPrefix(line, "## ")
		}
	}
	return i+1 == len(c.Blocks) || strings.HasPrefix(c.Blocks[i+1].Markdown, "## ")
}
