package branch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"glasskv/trace"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/lang"
)

var kebabCase = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

func TestBranchesAreNamedOnceAndLikeNoStage(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range All() {
		if !kebabCase.MatchString(b.Name) || seen[b.Name] {
			t.Errorf("%q is no name, or taken", b.Name)
		}
		seen[b.Name] = true
		if _, stage := trace.StageByName(b.Name); stage {
			t.Errorf("%s is the name of a stage as well", b.Name)
		}
		if found, ok := Find(b.Name); !ok || found.Name != b.Name {
			t.Errorf("%s is not found", b.Name)
		}
	}
	if _, ok := Find("no-such"); ok {
		t.Error("a branch was found that there is not")
	}
}

func TestEachBranchHasAStory(t *testing.T) {
	for _, b := range All() {
		path := filepath.Join("..", "..", "server", "seam", "testdata", "stories", b.Story+".txt")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
	}
}

// The functions exist, under these very names, in the versions that go.mod names.
func TestBranchesNameUpstreamSymbols(t *testing.T) {
	library := guide.NewLibrary()
	for _, b := range All() {
		if n := len(b.Upstream); n < 1 || n > 3 {
			t.Errorf("%s names %d functions, want 1 to 3", b.Name, n)
		}
		for _, name := range b.Upstream {
			if s := library.Find(library.Parse(name)); s.File == "" {
				t.Errorf("%s: no %s in %s", b.Name, name, s.Module)
			}
		}
	}
}

func TestBranchesSpeakBothLanguages(t *testing.T) {
	for _, b := range All() {
		for _, l := range []lang.Lang{lang.EN, lang.ZH} {
			text := b.In(l)
			for what, words := range map[string]string{"Title": text.Title, "What": text.What, "Client": text.Client, "Look": text.Look} {
				if words == "" || words != strings.TrimSpace(words) {
					t.Errorf("%s: %s.%s is %q", b.Name, l, what, words)
				}
				if han := strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (l == lang.ZH) && words != "OK" {
					t.Errorf("%s: %s.%s is in the other language: %q", b.Name, l, what, words)
				}
			}
			if !strings.HasSuffix(text.What, ".") && !strings.HasSuffix(text.What, "。") {
				t.Errorf("%s: %s.What is no sentence", b.Name, l)
			}
		}
	}
}
