// Package check holds what must be true of the chapters: each has its sections,
// every place in the source that they name is there, both languages show the
// same ones, and the code is still that for which a chapter was written.
//
//	check.go    all chapters: their symbols against the source, one language against the other
//	form.go     one chapter by itself: its front matter and its sections
//	blessed.go  the code as it is against that which the chapters were written for
//	order.go    numbers, links to the neighbours, indexes
package check

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
)

// Languages are those that the chapters are written in.
var Languages = []lang.Lang{lang.EN, lang.ZH}

// Book is the folder of chapters with all that is checked of it.
type Book struct {
	Folder   fs.FS // holds en, zh and blessed.tsv
	Chapters map[lang.Lang][]*chapter.Chapter
	Problems []chapter.Problem   // sorted by file and line
	Quotes   []chapter.Quotation // those of all chapters, each once; sorted by stage's name and symbol
}

// Read reads the chapters about the stages, of all when none is named, and
// checks each by itself and against its translation. The error is that of
// reading.
func Read(folder fs.FS, library *source.Library, only ...stages.Stage) (*Book, error) {
	b := &Book{Folder: folder, Chapters: make(map[lang.Lang][]*chapter.Chapter)}
	wanted := func(s stages.Stage) bool { return len(only) == 0 || slices.Contains(only, s) }
	for _, l := range Languages {
		all, problems, err := chapter.Load(folder, l)
		if err != nil {
			return nil, err
		}
		for _, p := range problems {
			if s, known := stages.ByName(chapter.StageOf(p.File)); !known || wanted(s) {
				b.Problems = append(b.Problems, p)
			}
		}
		b.Chapters[l] = slices.DeleteFunc(all, func(c *chapter.Chapter) bool { return !wanted(c.Stage) })
		b.checkEach(b.Chapters[l], library)
	}
	b.compareLanguages()
	b.sort()
	return b, nil
}

// checkEach checks each chapter of a language by itself.
func (b *Book) checkEach(chapters []*chapter.Chapter, library *source.Library) {
	for i, c := range chapters {
		if i > 0 && chapters[i-1].Stage == c.Stage {
			b.complain(c, 0, "%s is about the same stage", chapters[i-1].File)
		}
		b.checkTexts(c)
		b.Problems = append(b.Problems, checkSections(c)...)
		b.resolve(c, library)
	}
	b.compareNotes(chapters)
}

func (b *Book) sort() {
	slices.SortStableFunc(b.Problems, func(x, y chapter.Problem) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	b.Problems = slices.Compact(b.Problems)
	slices.SortFunc(b.Quotes, func(x, y chapter.Quotation) int {
		return cmp.Or(cmp.Compare(x.Stage, y.Stage), cmp.Compare(x.Symbol, y.Symbol))
	})
	b.Quotes = slices.Compact(b.Quotes)
}

// Missing returns the stages that have no chapter in a language.
func (b *Book) Missing(l lang.Lang) (missing []stages.Stage) {
	for _, spec := range stages.Specs() {
		has := func(c *chapter.Chapter) bool { return c.Stage == spec.Stage }
		if !slices.ContainsFunc(b.Chapters[l], has) {
			missing = append(missing, spec.Stage)
		}
	}
	return missing
}

// resolve looks every symbol and anchor of a chapter up.
func (b *Book) resolve(c *chapter.Chapter, library *source.Library) {
	for _, block := range c.Blocks {
		if q := block.Source; q != nil {
			b.quote(c, block, library)
		}
	}
	for _, jump := range c.Jumps {
		switch jump.Stage {
		case c.Stage:
			b.complain(c, jump.Line, "a jump to the chapter itself")
		case stages.None:
			if _, err := b.lookUp(c, jump.Line, library, jump.Target, ""); err != nil {
				b.complain(c, jump.Line, "%s, which is no stage either", reason(err))
			}
		}
	}
}

// quote looks a source block up and remembers what it shows.
func (b *Book) quote(c *chapter.Chapter, block chapter.Block, library *source.Library) {
	line := block.Line + 1
	e, err := b.lookUp(c, line, library, block.Source.Symbol, block.Source.Anchor)
	if errors.Is(err, source.ErrNoAnchor) {
		line++
	}
	if err != nil {
		b.complain(c, line, "%s", reason(err))
	}
	if e != nil {
		b.Quotes = append(b.Quotes, chapter.Quotation{Stage: c.Stage.String(), Symbol: e.Symbol, Hash: e.Hash, Module: e.Module})
	}
}

func (b *Book) lookUp(c *chapter.Chapter, line int, library *source.Library, symbol, anchor string) (*source.Excerpt, error) {
	if strings.HasPrefix(symbol, "glasskv/") {
		b.complain(c, line, "%s is our own: a chapter shows what we watch, not how", symbol)
		return nil, nil
	}
	return library.Excerpt(symbol, anchor)
}

// reason is an error without the sentinel that stands in front of it.
func reason(err error) string {
	text := err.Error()
	for _, sentinel := range []error{source.ErrNoAnchor} {
		text = strings.TrimPrefix(text, sentinel.Error()+": ")
	}
	return text
}

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
