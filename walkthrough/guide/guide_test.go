package guide

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

// Every function that the catalogue names is found at the version in go.mod.
func TestEveryUpstreamFunctionIsFound(t *testing.T) {
	l := upstream(t)
	for _, spec := range stages.Specs() {
		if s := find(l, spec.Upstream); s.file == "" || s.line == 0 {
			t.Errorf("%s: %s: %+v", spec.Name, spec.Upstream, s)
		}
		for _, name := range spec.Next {
			if s := find(l, name); s.file == "" {
				t.Errorf("%s: read next %s: %+v", spec.Name, name, s)
			}
		}
	}
}

// upstream is a library at the versions in go.mod.
func upstream(t *testing.T) *source.Library {
	t.Helper()
	l, err := source.ForModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is not on the disk is named with the way to get it.
func TestAPageSaysHowToGetTheSource(t *testing.T) {
	spec := stages.SpecOf(stages.WALSync)
	l := source.New(source.Places{Cache: t.TempDir(), Versions: map[string]string{spec.Upstream.Module: "v3.0.1"}})
	var out bytes.Buffer
	if err := Page(&out, spec, l, screen.Options{Lang: lang.EN, Width: 120}); err != nil {
		t.Fatal(err)
	}
	if want := "not on this disk: go mod download " + spec.Upstream.Module + "@v3.0.1"; !strings.Contains(out.String(), want) {
		t.Errorf("it does not say %q:\n%s", want, out.String())
	}
}

func TestEveryFunctionOfABranchIsFound(t *testing.T) {
	l := upstream(t)
	for _, b := range branch.All() {
		for _, name := range b.Upstream {
			if s := find(l, parse(name)); s.file == "" {
				t.Errorf("%s: %s: %+v", b.Name, name, s)
			}
		}
	}
}

func TestEveryPageOfABranchFitsTheScreen(t *testing.T) {
	l := source.New(source.Places{Cache: t.TempDir()})
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

func TestEveryPageFitsTheScreen(t *testing.T) {
	l := source.New(source.Places{Cache: t.TempDir()})
	for _, spec := range stages.Specs() {
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
			if text := chapter.TextOf(spec.Stage, language); !strings.Contains(out.String(), text.Note) {
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
			if n, want := strings.Count(out.String(), "\n"), len(stages.Specs())+2; n != want {
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
	for _, spec := range stages.Specs() {
		var out bytes.Buffer
		if err := WriteJSON(&out, spec, nil, lang.ZH); err != nil {
			t.Fatal(err)
		}
		var e entry
		if err := json.Unmarshal(out.Bytes(), &e); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		if e.Stage != spec.Name || e.Note != chapter.TextOf(spec.Stage, lang.ZH).Note || e.Symbol != spec.Upstream.Name || strings.Count(out.String(), "\n") != 1 {
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
