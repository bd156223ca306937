// Package check holds what must be true of the chapters: each has its sections,
// every place in the source that they name is there, both languages show the
// same ones, and the code is still that for which a chapter was written.
//
//	check.go      all of it, for the test and for scripts/chapters
//	texts.go      the texts of the front matter
//	sections.go   the headings, and the rule that no code is copied
//	quotes.go     symbols, anchors and jumps against the source
//	languages.go  one language against the other
//	blessed.go    the code as it is against that which the chapters were written for
//	order.go      numbers, links to the neighbours, indexes
package check

import (
	"cmp"
	"io/fs"
	"slices"

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
