package guide

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// fixture is a library whose module cache holds one module that we wrote.
func fixture(t *testing.T) *Library {
	t.Helper()
	cache := t.TempDir()
	dir := filepath.Join(cache, "example.org", "!upper", "mod@v1.2.3", "pkg")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const code = `package pkg

// Box holds one thing.
type Box[T any] struct{ thing T }

type Opener interface {
	Open() error
}

const Limit = 7

func New() int { return Limit }

func (b *Box[T]) Put(thing T) {
	b.thing = thing
}
`
	if err := os.WriteFile(filepath.Join(dir, "box.go"), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	return &Library{cache: cache, versions: map[string]string{"example.org/Upper/mod": "v1.2.3", "example.org/absent": "v0.1.0"}}
}

func TestASymbolIsFoundOnTheReadersDisk(t *testing.T) {
	l := fixture(t)
	for symbol, line := range map[string]int{"New": 12, "(*Box).Put": 14, "Box": 4, "Opener.Open": 7, "Limit": 10} {
		s := l.Find(l.Parse("example.org/Upper/mod/pkg." + symbol))
		if s.Module != "example.org/Upper/mod@v1.2.3" || filepath.Base(s.File) != "box.go" || s.Line != line {
			t.Errorf("%s: %+v, want line %d", symbol, s, line)
		}
	}
	text, err := l.Find(l.Parse("example.org/Upper/mod/pkg.(*Box).Put")).Text()
	if err != nil || len(text) != 3 || !strings.Contains(text[1], "15  \tb.thing = thing") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestWhatIsNotOnTheDiskIsNamedWithTheWayToGetIt(t *testing.T) {
	l := fixture(t)
	for name, want := range map[string]Source{
		"example.org/absent/pkg.Func":            {Module: "example.org/absent@v0.1.0", Missing: "go mod download example.org/absent@v0.1.0"},
		"example.org/Upper/mod/pkg.(*Box).Empty": {Module: "example.org/Upper/mod@v1.2.3", Missing: "go mod download example.org/Upper/mod@v1.2.3"},
		"example.org/unknown.Func":               {},
	} {
		s := l.Find(l.Parse(name))
		if s != want {
			t.Errorf("%s: %+v, want %+v", name, s, want)
		}
		if _, err := s.Text(); err == nil {
			t.Errorf("%s: its text was read", name)
		}
	}
}

// Every function that the catalogue names is found at the version in go.mod.
func TestEveryUpstreamFunctionIsFound(t *testing.T) {
	l := &Library{versions: versionsInGoMod(t)}
	l.cache, l.std = places()
	for _, spec := range trace.Specs() {
		s := l.Find(spec.Upstream)
		if s.File == "" || s.Line == 0 || s.lastRow < s.Line {
			t.Errorf("%s: %s: %+v", spec.Name, spec.Upstream, s)
		}
		for _, name := range spec.Next {
			if s := l.Find(l.Parse(name)); s.File == "" {
				t.Errorf("%s: read next %s: %+v", spec.Name, name, s)
			}
		}
	}
}

func TestEveryFunctionOfABranchIsFound(t *testing.T) {
	l := &Library{versions: versionsInGoMod(t)}
	l.cache, l.std = places()
	for _, b := range branch.All() {
		for _, name := range b.Upstream {
			if s := l.Find(l.Parse(name)); s.File == "" {
				t.Errorf("%s: %s: %+v", b.Name, name, s)
			}
		}
	}
}

func TestEveryPageOfABranchFitsTheScreen(t *testing.T) {
	l := &Library{cache: t.TempDir(), versions: map[string]string{}}
	for _, b := range branch.All() {
		for _, language := range []lang.Lang{lang.EN, lang.ZH} {
			var out bytes.Buffer
			if err := BranchPage(&out, &b, l, screen.Options{Lang: language, Width: 80}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if line = strings.TrimRight(line, "\n"); screen.Width(line) > 80 {
					t.Errorf("%s: %d columns: %s", b.Name, screen.Width(line), line)
				}
			}
			if !strings.Contains(out.String(), "glasskv demo "+b.Name) {
				t.Errorf("%s: it is not said how to play it", b.Name)
			}
		}
	}
}

func versionsInGoMod(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.Version}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	versions := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 2 {
			versions[f[0]] = f[1]
		}
	}
	return versions
}

func TestEveryPageFitsTheScreen(t *testing.T) {
	l := &Library{cache: t.TempDir(), versions: map[string]string{}}
	for _, spec := range trace.Specs() {
		for _, language := range []lang.Lang{lang.EN, lang.ZH} {
			var out bytes.Buffer
			if err := Page(&out, spec, l, screen.Options{Lang: language, Width: 80}); err != nil {
				t.Fatal(err)
			}
			const screenful = 24
			if n := strings.Count(out.String(), "\n"); n > screenful {
				t.Errorf("%s in %s takes %d lines", spec.Name, language, n)
			}
			for line := range strings.Lines(out.String()) {
				if screen.Width(strings.TrimSuffix(line, "\n")) > 80 {
					t.Errorf("%s in %s: too wide: %s", spec.Name, language, line)
				}
			}
			if text := language.Text(spec); !strings.Contains(out.String(), text.Note) {
				t.Errorf("%s in %s does not say %q", spec.Name, language, text.Note)
			}
		}
	}
}

func TestNearestNames(t *testing.T) {
	for typed, want := range map[string]string{
		"wal.snyc": "wal.sync", "fsync": "wal.sync", "WAL.Sync": "wal.sync", "raft.comit": "raft.commit",
		"handleRawConn": "grpc.handleRawConn", "processRPC": "grpc.processRPC", "propose": "raft.propose",
	} {
		if near := Nearest(typed); !slices.Contains(near, want) {
			t.Errorf("Nearest(%q) = %v, want %s among them", typed, near, want)
		}
	}
	if near := Nearest("completely different"); len(near) > 0 {
		t.Errorf("something is near to nothing: %v", near)
	}
}

func TestTheTreeHasEveryStageAndFits(t *testing.T) {
	for _, width := range []int{60, 80, 100, 120, 200} {
		for _, language := range []lang.Lang{lang.EN, lang.ZH} {
			var out bytes.Buffer
			if err := Tree(&out, screen.Options{Lang: language, Width: width}); err != nil {
				t.Fatal(err)
			}
			if n, want := strings.Count(out.String(), "\n"), len(trace.Specs())+1; n != want {
				t.Errorf("%d lines, want %d", n, want)
			}
			for line := range strings.Lines(out.String()) {
				if got := screen.Width(strings.TrimSuffix(line, "\n")); got > width {
					t.Errorf("%d columns at %d: %s", got, width, line)
				}
			}
		}
	}
}

func TestJSONHasEveryStageInTheReadersLanguage(t *testing.T) {
	for _, spec := range trace.Specs() {
		var out bytes.Buffer
		if err := WriteJSON(&out, spec, nil, lang.ZH); err != nil {
			t.Fatal(err)
		}
		var e entry
		if err := json.Unmarshal(out.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		if e.Stage != spec.Name || e.Note != spec.ZH.Note || e.Symbol != spec.Upstream.Name || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %s", spec.Name, out.String())
		}
	}
}

// The reference in docs is generated; this fails when the catalogue has changed
// and `go generate ./walkthrough/...` has not been run.
func TestTheReferenceInDocsIsCurrent(t *testing.T) {
	committed, err := os.ReadFile(filepath.FromSlash("../../docs/stages.md"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Markdown(&out, lang.EN); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, out.Bytes()) {
		t.Error("docs/stages.md is not what the catalogue says; run `go generate ./walkthrough/...`")
	}
}
