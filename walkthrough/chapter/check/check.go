// Package check checks the chapters: each has its texts and sections, every symbol that
// they name is found in the source, both languages show the same symbols, and the code
// is still that for which a chapter was written.
//
//	check.go    all chapters: their symbols against the source, one language against the other
//	form.go     one chapter by itself: its front matter and its sections
//	blessed.go  the code at the versions of go.mod against the code that the chapters were written for
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

// Book holds the chapters of a folder and what the checks found in them.
type Book struct {
	Folder   fs.FS // holds a folder for each language, and blessed.tsv
	Chapters map[lang.Lang][]*chapter.Chapter
	Problems []chapter.Problem   // sorted by file and line
	Quotes   []chapter.Quotation // what the chapters show now, without duplicates; sorted by stage's name and symbol
}

// Read reads the chapters about the given stages, or about all stages if none is given,
// and checks each by itself and against its translation. Mistakes are in the book's
// Problems. An error means that a file could not be read.
func Read(folder fs.FS, library *source.Library, only ...stages.Stage) (*Book, error) {
	b := &Book{Folder: folder, Chapters: make(map[lang.Lang][]*chapter.Chapter)}
	wanted := func(s stages.Stage) bool { return len(only) == 0 || slices.Contains(only, s) }
	for _, l := range lang.Languages {
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
		b.checkSections(c)
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

// Missing returns the stages without a chapter in a language.
func (b *Book) Missing(l lang.Lang) (missing []stages.Stage) {
	for _, spec := range stages.Specs() {
		has := func(c *chapter.Chapter) bool { return c.Stage == spec.Stage }
		if !slices.ContainsFunc(b.Chapters[l], has) {
			missing = append(missing, spec.Stage)
		}
	}
	return missing
}

// resolve looks up every symbol and every anchor of a chapter.
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

// quote looks up the symbol of a source block, and adds what it shows to the quotes.
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

// reason returns an error's text without the sentinel source.ErrNoAnchor, which would
// only repeat what the rest says.
func reason(err error) string {
	return strings.TrimPrefix(err.Error(), source.ErrNoAnchor.Error()+": ")
}

func (b *Book) complain(c *chapter.Chapter, line int, format string, args ...any) {
	b.Problems = append(b.Problems, chapter.Problem{File: c.File, Line: line, Text: fmt.Sprintf(format, args...)})
}

// compareLanguages requires that the chapters about a stage show the same symbols and
// jump to the same targets in every language as in English.
func (b *Book) compareLanguages() {
	for _, l := range lang.Languages {
		if l == lang.EN {
			continue
		}
		for _, other := range b.Chapters[l] {
			for _, en := range b.Chapters[lang.EN] {
				if en.Stage == other.Stage {
					b.compare(en, other)
				}
			}
		}
	}
}

// entry is a source block or a jump. Its text must be the same in all languages.
type entry struct {
	text string
	line int // in the file, from 1
}

func (b *Book) compare(en, other *chapter.Chapter) {
	for _, text := range []struct{ key, en, other string }{{"phrase", en.Text.Phrase, other.Text.Phrase}, {"stream", en.Text.Stream, other.Text.Stream}} {
		if (text.en == "") != (text.other == "") {
			b.complain(other, 0, "only one of %s and this file has a text %s", en.File, text.key)
		}
	}
	pairs := []struct {
		what      string
		en, other []entry
	}{
		{"source block", quotes(en), quotes(other)},
		{"jump", jumps(en), jumps(other)},
	}
	for _, p := range pairs {
		for i := range max(len(p.en), len(p.other)) {
			switch {
			case i >= len(p.en):
				b.complain(other, p.other[i].line, "%s %d, %s, is not in %s", p.what, i+1, p.other[i].text, en.File)
			case i >= len(p.other):
				b.complain(other, 0, "%s %d of %s is missing: %s", p.what, i+1, en.File, p.en[i].text)
			case p.en[i].text != p.other[i].text:
				b.complain(other, p.other[i].line, "%s %d is %s; in %s it is %s", p.what, i+1, p.other[i].text, en.File, p.en[i].text)
			default:
				continue
			}
			break // after the first difference, every later entry differs as well
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
