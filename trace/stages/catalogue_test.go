package stages

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Every stage of stage.go is declared in one of the catalogue's files, in one
// only, and under a name of its own.
func TestCatalogueDeclaresEveryStageOnce(t *testing.T) {
	times := make(map[Stage]int)
	names := make(map[string]Stage)
	for _, part := range catalogueParts() {
		for _, spec := range part {
			times[spec.Stage]++
			if other, taken := names[spec.Name]; taken {
				t.Errorf("%q names stage %d and stage %d", spec.Name, other, spec.Stage)
			}
			names[spec.Name] = spec.Stage
		}
	}
	for s := None + 1; s < NumStages; s++ {
		if times[s] != 1 {
			t.Errorf("stage %d (after %q) is declared %d times", s, s-1, times[s])
		}
	}
	if len(times) != int(NumStages)-1 {
		t.Errorf("catalogue holds %d stages, stage.go has %d", len(times), NumStages-1)
	}
}

// Whoever asks the catalogue gets the stage that was asked for, by number and by
// name, and nothing for what is no stage.
func TestCatalogueAnswersByNumberAndName(t *testing.T) {
	for i, spec := range Specs() {
		want := Stage(i + 1)
		if spec.Stage != want {
			t.Errorf("entry %d is of stage %d (%s)", want, spec.Stage, spec.Name)
		}
		if got, ok := ByName(spec.Name); !ok || got != want {
			t.Errorf("StageByName(%q) = %d, %t; want %d", spec.Name, got, ok, want)
		}
	}
	if name := NumStages.String(); name != "" {
		t.Errorf("a value outside the catalogue is called %q", name)
	}
	if s, ok := ByName("wal.sink"); ok {
		t.Errorf("no stage is called wal.sink, yet %d was found", s)
	}
}

// The ledger relies on parents that stand before their children, and programs
// rely on the words for scope, kind and edge.
func TestCatalogueIsInOrder(t *testing.T) {
	scopes := []Scope{ScopeConn, ScopeRequest, ScopeBatch, ScopePeer}
	kinds := []Kind{KindWork, KindQueue, KindDisk, KindNetwork, KindConsensus, KindHeld}
	eachStage(t, func(t *testing.T, spec *Spec) {
		if spec.Parent >= spec.Stage {
			t.Errorf("its parent %q stands behind it", spec.Parent)
		}
		if !slices.Contains(scopes, spec.Scope) {
			t.Errorf("scope %q", spec.Scope)
		}
		if !slices.Contains(kinds, spec.Kind) && !LastsAsConn(spec.Stage) {
			t.Errorf("kind %q: only a connection's life has none", spec.Kind)
		}
		inConn := spec.Stage >= FirstConn && spec.Stage <= LastConn
		if inConn != (spec.Scope == ScopeConn) {
			t.Errorf("scope %q does not fit its place in stage.go", spec.Scope)
		}
		checkEdge(t, "begin", spec.Begin)
		checkEdge(t, "end", spec.End)
	})
}

func checkEdge(t *testing.T, which string, e EdgeSpec) {
	t.Helper()
	switch e.Edge {
	case Exact, Inferred:
		if e.ErrorNS != 0 {
			t.Errorf("%s is %s, with an error of %d ns", which, e.Edge, e.ErrorNS)
		}
	case Near:
		if e.ErrorNS <= 0 {
			t.Errorf("%s is near: by how much?", which)
		}
	default:
		t.Errorf("%s has edge %q", which, e.Edge)
	}
}

// A stage is either observed by a file of ours or says why it is not.
func TestCatalogueNamesASeamOrAReason(t *testing.T) {
	eachStage(t, func(t *testing.T, spec *Spec) {
		if spec.Seam == "" {
			checkText(t, "Absent.EN", spec.Absent.EN, false)
			checkText(t, "Absent.ZH", spec.Absent.ZH, true)
			return
		}
		if spec.Absent != (Pair{}) {
			t.Errorf("has a seam and a reason why it has none: %q", spec.Absent.EN)
		}
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(spec.Seam))); err != nil {
			t.Errorf("its seam: %v", err)
		}
	})
}

// The longest notes that fit beside a bar: the same width in both languages,
// for a Chinese character takes two columns.
const (
	maxNoteEN = 60
	maxNoteZH = 30
)

func TestCatalogueSpeaksBothLanguages(t *testing.T) {
	notes := make(map[string]string)
	eachStage(t, func(t *testing.T, spec *Spec) {
		checkTexts(t, "EN", &spec.EN, false)
		checkTexts(t, "ZH", &spec.ZH, true)
		if n := utf8.RuneCountInString(spec.EN.Note); n > maxNoteEN {
			t.Errorf("EN.Note has %d characters, at most %d fit: %q", n, maxNoteEN, spec.EN.Note)
		}
		if n := utf8.RuneCountInString(spec.ZH.Note); n > maxNoteZH {
			t.Errorf("ZH.Note has %d characters, at most %d fit: %q", n, maxNoteZH, spec.ZH.Note)
		}
		for _, note := range []string{spec.EN.Note, spec.ZH.Note} {
			if other, taken := notes[note]; taken {
				t.Errorf("says the same as %s: %q", other, note)
			}
			notes[note] = spec.Name
		}
	})
}

func checkTexts(t *testing.T, lang string, text *Text, chinese bool) {
	t.Helper()
	checkText(t, lang+".Note", text.Note, chinese)
	if strings.HasSuffix(text.Note, ".") || strings.HasSuffix(text.Note, "。") {
		t.Errorf("%s.Note stands beside a bar and needs no full stop", lang)
	}
	for name, paragraph := range map[string]string{
		"What": text.What, "How": text.How, "Slow": text.Slow, "Do": text.Do,
	} {
		checkText(t, lang+"."+name, paragraph, chinese)
		if sentences(paragraph) == 0 {
			t.Errorf("%s.%s does not end as a sentence does", lang, name)
		}
	}
	if n := sentences(text.What); n < 2 || n > 4 {
		t.Errorf("%s.What has %d sentences, want 2 to 4: %q", lang, n, text.What)
	}
}

func checkText(t *testing.T, name, text string, chinese bool) {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		t.Errorf("%s is missing", name)
		return
	}
	if text != strings.TrimSpace(text) || strings.Contains(text, "  ") || strings.ContainsAny(text, "\n\t") {
		t.Errorf("%s has stray space: %q", name, text)
	}
	if han := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != chinese {
		t.Errorf("%s is in the wrong language: %q", name, text)
	}
}

var fullStop = regexp.MustCompile(`[.?!]"?(?: |$)|[。？！]`)

// sentences counts sentences in either language; it is zero for a text whose
// last sentence has no end.
func sentences(text string) int {
	ends := fullStop.FindAllStringIndex(text, -1)
	if len(ends) == 0 || ends[len(ends)-1][1] != len(text) {
		return 0
	}
	return len(ends)
}

func eachStage(t *testing.T, check func(*testing.T, *Spec)) {
	t.Helper()
	for _, spec := range Specs() {
		t.Run(spec.Name, func(t *testing.T) { check(t, spec) })
	}
}
