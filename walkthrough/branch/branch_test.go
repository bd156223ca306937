package branch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

func TestBranchesAreNamedOnceAndLikeNoStage(t *testing.T) {
	seen := make(map[string]bool)
	for _, b := range All() {
		if !kebabCase.MatchString(b.Name) || seen[b.Name] {
			t.Errorf("%q is no name, or taken", b.Name)
		}
		seen[b.Name] = true
		if _, stage := stages.ByName(b.Name); stage {
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

// That the functions exist is tested where they are looked up, in guide.
func TestBranchesNameAFewFunctions(t *testing.T) {
	for _, b := range All() {
		if n := len(b.Upstream); n < 1 || n > 3 {
			t.Errorf("%s names %d functions, want 1 to 3", b.Name, n)
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

// A file that nobody names would be embedded and never read.
func TestEveryFileOfTheCatalogueIsRead(t *testing.T) {
	there, err := filepath.Glob("*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if read := slices.Sorted(slices.Values(files)); !slices.Equal(read, there) {
		t.Errorf("read %v of %v", read, there)
	}
}

func TestAMistakeIsReportedWithItsFileAndLine(t *testing.T) {
	const sound = `- name: a-branch
  stage: grpc.flush
  story: put
  upstream: [example.org/p.F]
  title: {en: a title, zh: 标题}
  what: {en: It happens., zh: 发生了。}
  client: {en: OK, zh: OK}
  look: {en: a stage, zh: 阶段}
`
	load := func(text string) ([]Branch, error) {
		return load(fstest.MapFS{"some.yaml": {Data: []byte(text)}}, []string{"some.yaml"})
	}
	if all, err := load(sound); err != nil || len(all) != 1 || all[0].Stage != stages.Flush || all[0].In(lang.ZH).Title != "标题" {
		t.Fatalf("%+v: %v", all, err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"stage: grpc.flush", "stage: grpc.flash", `some.yaml:1: branch "a-branch": no stage is called "grpc.flash"`},
		{"story: put", "storey: put", "some.yaml:3: field storey not found"},
		{"story: put\n", "story: put\n  story: get\n", "some.yaml:4: "},
		{"  story: put\n", "", `some.yaml:1: branch "a-branch": no story`},
		{", zh: 标题}", "}", `some.yaml:1: branch "a-branch": title.zh is missing`},
		{", zh: 标题}", ", zh: 标题, xx: x}", `some.yaml:1: branch "a-branch": title: field xx not found, and no language has this name`},
		{"zh: 发生了。", "zh: 发生 了。", `some.yaml:1: branch "a-branch": what.zh is broken into lines`},
		{"en: a stage", "en: ' a stage'", `some.yaml:1: branch "a-branch": look.en begins or ends with a blank`},
		{"[example.org/p.F]", "[]", "0 functions under upstream"},
		{"a-branch", "A branch", `some.yaml:1: branch "A branch": a name is small letters and hyphens`},
		{"upstream: [", "upstream: ", "some.yaml:"},
		{sound, sound + "\n" + sound, `some.yaml:10: branch "a-branch": the name is taken`},
	} {
		if _, err := load(strings.Replace(sound, c.old, c.new, 1)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, want %q", c.new, c.old, err, c.want)
		}
	}
}
