package check

import (
	"fmt"

	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

func (b *Book) complain(c *chapter.Chapter, line int, format string, args ...any) {
	b.Problems = append(b.Problems, chapter.Problem{File: c.File, Line: line, Text: fmt.Sprintf(format, args...)})
}

// compareLanguages wants a chapter to show the same places in the source, and
// to lead to the same targets, whatever its language.
func (b *Book) compareLanguages() {
	for _, zh := range b.Chapters[lang.ZH] {
		for _, en := range b.Chapters[lang.EN] {
			if en.Stage == zh.Stage {
				b.compare(en, zh)
			}
		}
	}
}

// entry is a source block or a jump, as both languages must have it.
type entry struct {
	text string
	line int
}

func (b *Book) compare(en, zh *chapter.Chapter) {
	if (en.Text.Phrase == "") != (zh.Text.Phrase == "") {
		b.complain(zh, 0, "only one of %s and this file has a phrase", en.File)
	}
	pairs := []struct {
		what   string
		en, zh []entry
	}{
		{"source block", quotes(en), quotes(zh)},
		{"jump", jumps(en), jumps(zh)},
	}
	for _, p := range pairs {
		for i := range max(len(p.en), len(p.zh)) {
			switch {
			case i >= len(p.en):
				b.complain(zh, p.zh[i].line, "%s %d, %s, is not in %s", p.what, i+1, p.zh[i].text, en.File)
			case i >= len(p.zh):
				b.complain(zh, 0, "%s %d of %s is missing: %s", p.what, i+1, en.File, p.en[i].text)
			case p.en[i].text != p.zh[i].text:
				b.complain(zh, p.zh[i].line, "%s %d is %s; in %s it is %s", p.what, i+1, p.zh[i].text, en.File, p.en[i].text)
			default:
				continue
			}
			break // those behind it only repeat the complaint
		}
	}
}

func quotes(c *chapter.Chapter) (all []entry) {
	for _, b := range c.Blocks {
		if q := b.Source; q != nil {
			text := q.Symbol
			if q.Anchor != "" {
				text += " " + q.Anchor
			}
			all = append(all, entry{text, b.Line + 1})
		}
	}
	return all
}

func jumps(c *chapter.Chapter) (all []entry) {
	for _, j := range c.Jumps {
		all = append(all, entry{string(j.Kind) + " " + j.Target, j.Line})
	}
	return all
}
