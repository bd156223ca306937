package check

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// section is a section that a chapter may have, by its heading.
type section struct {
	en, zh   string
	optional bool
}

// sections lists the sections of a chapter in their order. A lead paragraph comes
// before them.
var sections = []section{
	{en: "What happens", zh: "发生了什么"},
	{en: "Who calls whom", zh: "谁调用谁"},
	{en: "What changes", zh: "改变了什么"},
	{en: "Why it is so", zh: "为什么这样"},
	{en: "What can go wrong", zh: "会出什么问题"},
	{en: "Then and now", zh: "当时与现在", optional: true},
	{en: "Look next", zh: "接下来看什么"},
}

// checkSections requires a lead paragraph, the sections in order and none of them empty,
// at least one source block, and one to mostJumps jumps. A block of Go is a mistake:
// chapters do not copy upstream's code.
func (b *Book) checkSections(c *chapter.Chapter) {
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

// heading is the heading of a section as a chapter has it.
type heading struct {
	text  string
	line  int  // in the file, from 1
	empty bool // nothing follows before the next heading
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

// required returns the heading of the first section from next up to n, without n, that
// must not be left out, or "" if all of them are optional.
func required(next, n int, l lang.Lang) string {
	for i := next; i < n; i++ {
		if !sections[i].optional {
			return l.Pick(sections[i].en, sections[i].zh)
		}
	}
	return ""
}

// The longest notes that fit beside a bar, in characters. A Chinese character
// takes two columns, so both are of the same width.
const (
	maxNoteEN = 60
	maxNoteZH = 30
)

// checkTexts requires that every short text is there, in the chapter's language and in
// the form of the place where it is shown: a note is a clause that fits beside a bar, a
// phrase and a reason for absence are clauses, the others are sentences.
func (b *Book) checkTexts(c *chapter.Chapter) {
	text := c.Text
	b.checkText(c, "note", text.Note)
	if strings.HasSuffix(text.Note, ".") || strings.HasSuffix(text.Note, "。") {
		b.complainOf(c, "note", "it is shown beside a bar and needs no full stop")
	}
	most := maxNoteEN
	if c.Lang == lang.ZH {
		most = maxNoteZH
	}
	if n := utf8.RuneCountInString(text.Note); n > most {
		b.complainOf(c, "note", "%d characters, at most %d fit beside a bar", n, most)
	}
	for _, p := range []struct{ key, text string }{{"phrase", text.Phrase}, {"stream", text.Stream}} {
		if p.text != "" {
			b.checkText(c, p.key, p.text)
		}
	}
	for _, p := range []struct{ key, text string }{{"what", text.What}, {"how", text.How}, {"slow", text.Slow}, {"do", text.Do}} {
		b.checkText(c, p.key, p.text)
		if p.text != "" && sentences(p.text) == 0 {
			b.complainOf(c, p.key, "it does not end as a sentence does")
		}
	}
	if n := sentences(text.What); n == 1 || n > 4 {
		b.complainOf(c, "what", "%d sentences, want 2 to 4", n)
	}
	switch seam := stages.SpecOf(c.Stage).Seam; {
	case seam == "":
		b.checkText(c, "absent", text.Absent)
	case text.Absent != "":
		b.complainOf(c, "absent", "the stage is shown: %s observes it", seam)
	}
}

// strayBlank finds blanks that a text of one paragraph must not have: at an end, two in
// a row, a line break, or where YAML folded two lines of Chinese.
var strayBlank = regexp.MustCompile(`^\s|\s$|\s\s|[\n\t]|[\p{Han}，。：；、] [\p{Han}，。：；、]`)

var han = regexp.MustCompile(`\p{Han}`)

func (b *Book) checkText(c *chapter.Chapter, key, text string) {
	switch at := strayBlank.FindString(text); {
	case text == "":
		b.complainOf(c, key, "it is missing")
	case at != "":
		b.complainOf(c, key, "stray space: %q", at)
	case han.MatchString(text) != (c.Lang == lang.ZH):
		b.complainOf(c, key, "it is in the wrong language")
	}
}

var fullStop = regexp.MustCompile(`[.?!]"?(?: |$)|[。？！]`)

// sentences counts the sentences of a text in either language. It returns 0 for a
// text whose last sentence has no end.
func sentences(text string) int {
	ends := fullStop.FindAllStringIndex(text, -1)
	if len(ends) == 0 || ends[len(ends)-1][1] != len(text) {
		return 0
	}
	return len(ends)
}

// complainOf adds a problem with a text of the front matter, at the line of its key, or
// without a line if the key is missing.
func (b *Book) complainOf(c *chapter.Chapter, key, format string, args ...any) {
	line := 0
	if text, err := fs.ReadFile(b.Folder, c.File); err == nil {
		if before, _, found := strings.Cut(string(text), "\n"+key+":"); found {
			line = strings.Count(before, "\n") + 2
		}
	}
	b.complain(c, line, "%s: %s", key, fmt.Sprintf(format, args...))
}

// compareNotes requires that no two stages have the same note: a reader could not tell
// their rows from each other.
func (b *Book) compareNotes(chapters []*chapter.Chapter) {
	notes := make(map[string]*chapter.Chapter)
	for _, c := range chapters {
		if other := notes[c.Text.Note]; other != nil && other.Stage != c.Stage && c.Text.Note != "" {
			b.complainOf(c, "note", "%s says the same", other.File)
		}
		notes[c.Text.Note] = c
	}
}
