package chapter_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
)

// readBook reads the chapters as they stand in this folder, against the source at
// the versions in go.mod.
var readBook = sync.OnceValues(func() (*check.Book, error) {
	library, err := source.ForModule(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return check.Read(os.DirFS("."), library)
})

func book(t *testing.T) *check.Book {
	t.Helper()
	b, err := readBook()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryStageHasAChapter(t *testing.T) {
	for _, l := range lang.Complete {
		for _, stage := range book(t).Missing(l) {
			t.Errorf("%s: no chapter about %s", l, stage)
		}
	}
}

// Sections, symbols, anchors, jumps; and both languages show the same.
func TestEveryChapterIsSound(t *testing.T) {
	for _, p := range book(t).Problems {
		t.Error(p)
	}
}

func TestTheCodeIsThatForWhichTheChaptersWereWritten(t *testing.T) {
	changes, left, err := book(t).Changes()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		t.Errorf("read %s again: %s in %s, blessed at %q; then `go run ./scripts/chapters -bless %s`",
			c.Now.Stage, c.Now.Symbol, c.Now.Module, c.Module, c.Now.Stage)
	}
	for _, q := range left {
		t.Errorf("%s quotes %s no more; run `go run ./scripts/chapters -bless`", q.Stage, q.Symbol)
	}
}

func TestTheChaptersStandInTheOrderOfThePath(t *testing.T) {
	problems, err := book(t).Order()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

func TestTheBinaryHoldsTheChapters(t *testing.T) {
	onDisk := book(t)
	for _, l := range lang.Complete {
		all := chapter.All(l)
		if len(all) == 0 || len(all) != len(onDisk.Chapters[l]) {
			t.Fatalf("%s: %d chapters, %d on disk", l, len(all), len(onDisk.Chapters[l]))
		}
		for i, c := range all {
			if found, ok := chapter.Of(c.Stage, l); !ok || found != c || c.Lang != l {
				t.Errorf("%s: the chapter about %s is not found", l, c.Stage)
			}
			if i > 0 && (c.Previous != all[i-1].Stage || all[i-1].Next != c.Stage || all[i-1].Stage >= c.Stage) {
				t.Errorf("%s: %s does not follow %s", l, c.Stage, all[i-1].Stage)
			}
		}
	}
	if _, ok := chapter.Of(stages.None, lang.EN); ok {
		t.Error("there is a chapter about no stage")
	}
	if all := chapter.All("fr"); len(all) == 0 || all[0].Lang != lang.EN {
		t.Error("who speaks another language does not get the English chapters")
	}
	for _, l := range lang.Languages {
		if all := chapter.All(l); len(all) != len(onDisk.Chapters[lang.EN]) {
			t.Errorf("%s: %d chapters, want one of each stage", l, len(all))
		}
	}
}

// Whatever the path grows by, the index has a place for it.
func TestEveryStageBelongsToOnePart(t *testing.T) {
	var all []*chapter.Chapter
	for _, spec := range stages.Specs() {
		all = append(all, &chapter.Chapter{Stage: spec.Stage})
	}
	n := 0
	for _, part := range chapter.Parts(all, lang.ZH) {
		for _, c := range part.Chapters {
			if c != all[n] {
				t.Fatalf("%s stands in part %q, want %s there", c.Stage, part.Title, all[n].Stage)
			}
			n++
		}
	}
	if n != len(all) {
		t.Errorf("%d chapters in parts, want %d", n, len(all))
	}
}
