package branch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"glasskv/trace"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/lang"
)

var kebabCase = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

func TestBranchesAreNamedOnceAndLikeNoStage(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range branch.All() {
		if !kebabCase.MatchString(b.Name) || seen[b.Name] {
			t.Errorf("%q is no name, or taken", b.Name)
		}
		seen[b.Name] = true
		if _, stage := trace.StageByName(b.Name); stage {
			t.Errorf("%s is the name of a stage as well", b.Name)
		}
		if found, ok := branch.Find(b.Name); !ok || found.Name != b.Name {
			t.Errorf("%s is not found", b.Name)
		}
	}
	if _, ok := branch.Find("no-such"); ok {
		t.Error("a branch was found that there is not")
	}
}

func TestEachBranchHasAStory(t *testing.T) {
	for _, b := range branch.All() {
		path := filepath.Join("..", "..", "server", "seam", "testdata", "stories", b.Story+".txt")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", b.Name, err)
		}
	}
}

// That the functions exist is tested where they are looked up, in guide.
func TestBranchesNameAFewFunctions(t *testing.T) {
	for _, b := range branch.All() {
		if n := len(b.Upstream); n < 1 || n > 3 {
			t.Errorf("%s names %d functions, want 1 to 3", b.Name, n)
		}
	}
}

func TestBranchesSpeakBothLanguages(t *testing.T) {
	for _, b := range branch.All() {
		for _, l := range []lang.Lang{lang.EN, lang.ZH} {
			text := b.In(l)
			for what, words := range map[string]string{"Title": text.Title, "What": text.What, "Client": text.Client, "Look": text.Look} {
				if words == "" || words != strings.TrimSpace(words) {
					t.Errorf("%s: %s.%s is %q", b.Name, l, what, words)
				}
				// What a client is told is told in English.
				if han := strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (l == lang.ZH) && (what != "Client" || han) {
					t.Errorf("%s: %s.%s is in the other language: %q", b.Name, l, what, words)
				}
			}
			if !strings.HasSuffix(text.What, ".") && !strings.HasSuffix(text.What, "。") {
				t.Errorf("%s: %s.What is no sentence", b.Name, l)
			}
		}
	}
}
