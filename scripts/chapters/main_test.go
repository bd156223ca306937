package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
	"glasskv/walkthrough/lang"
)

// repository is an empty one with chapters about two stages, one of which git
// knows.
func repository(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for _, l := range lang.Languages {
		for _, stage := range []stages.Stage{stages.WALSync, stages.WALSave} {
			file := filepath.Join(folder, string(l), stage.String()+".md")
			text := "# " + stage.String() + ": a title\n\nA lead.\n"
			if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "en/wal.sync.md"}} {
		git := exec.CommandContext(t.Context(), "git", args...)
		git.Dir = folder
		if out, err := git.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	return folder
}

func TestChaptersArePutInOrderOnce(t *testing.T) {
	folder := repository(t)
	var out bytes.Buffer
	if err := putInOrder(t.Context(), &out, folder); err != nil {
		t.Fatal(err)
	}
	first, second := check.FileName(stages.WALSave), check.FileName(stages.WALSync)
	if n := strings.Count(out.String(), "\n"); n != 2*len(lang.Languages) || !strings.Contains(out.String(), "en/wal.sync.md → en/"+second+"\n") {
		t.Errorf("%d files renamed:\n%s", n, out.String())
	}
	for file, want := range map[string]string{
		"en/" + first:  "A lead.\n\n[index](README.md) · [wal.sync →](" + second + ")\n",
		"zh/" + second: "A lead.\n\n[← wal.save](" + first + ") · [目录](README.md)\n",
		"en/README.md": "- [wal.sync](" + second + "): a title\n",
	} {
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(file)))
		if err != nil || !strings.HasSuffix(string(text), want) {
			t.Errorf("%s: %v\n%s\nwant at its end\n%s", file, err, text, want)
		}
	}

	out.Reset()
	if err := putInOrder(t.Context(), &out, folder); err != nil || out.Len() > 0 {
		t.Errorf("a second time: %v\n%s", err, out.String())
	}
	list := exec.CommandContext(t.Context(), "git", "ls-files")
	list.Dir = folder
	if known, err := list.Output(); err != nil || string(known) != "en/"+second+"\n" {
		t.Errorf("git knows %q, %v", known, err)
	}
}

func TestTheReportNamesWhatHasToBeReadAgain(t *testing.T) {
	folder := t.TempDir()
	blessed := "wal.sync\tx/y.Old\taaaaaaaaaaaa\tx@v1.0.0\nwal.sync\tx/y.Gone\tbbbbbbbbbbbb\tx@v1.0.0\n"
	if err := os.WriteFile(filepath.Join(folder, chapter.BlessedFile), []byte(blessed), 0o644); err != nil {
		t.Fatal(err)
	}
	book := &check.Book{
		Folder:   os.DirFS(folder),
		Problems: []chapter.Problem{{File: "en/wal.sync.md", Line: 3, Text: "something"}},
		Chapters: map[lang.Lang][]*chapter.Chapter{
			lang.EN: {{Stage: stages.WALSync, File: "en/wal.sync.md"}},
			lang.ZH: {{Stage: stages.WALSync, File: "zh/wal.sync.md"}},
		},
		Quotes: []chapter.Quotation{
			{Stage: "wal.sync", Symbol: "x/y.New", Hash: "cccccccccccc", Module: "x@v1.1.0"},
			{Stage: "wal.sync", Symbol: "x/y.Old", Hash: "dddddddddddd", Module: "x@v1.1.0"},
		},
	}
	var out bytes.Buffer
	if err := report(&out, book, nil); !errors.Is(err, errProblems) {
		t.Errorf("%v", err)
	}
	for _, want := range []string{
		"en/wal.sync.md:3: something\n",
		"en/wal.sync.md: read again: x/y.Old has changed: x@v1.0.0 → x@v1.1.0\n",
		"zh/wal.sync.md: read again: x/y.Old has changed",
		"1 quotations are not blessed yet",
		"blessed.tsv: x/y.Gone of wal.sync is not quoted any more",
		"en: no chapter yet, ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}

	out.Reset()
	book.Problems, book.Quotes = nil, []chapter.Quotation{{Stage: "wal.sync", Symbol: "x/y.Old", Hash: "aaaaaaaaaaaa", Module: "x@v1.1.0"}}
	if err := report(&out, book, []stages.Stage{stages.WALSync}); err != nil || strings.Contains(out.String(), ".md") {
		t.Errorf("all is well with the one stage that was asked for: %v\n%s", err, out.String())
	}
}

// Somebody without a module cache asks for a blessing: nothing is found, and what was
// blessed before stays.
func TestWhatIsNotSoundIsNotBlessed(t *testing.T) {
	t.Chdir(t.TempDir())
	const blessed = "wal.sync\tx.org/y.Sync\taaaaaaaaaaaa\tx.org@v1.0.0\n"
	text := "# wal.sync: a title\n\nA lead.\n\n```source\nx.org/y.Sync\n```\n"
	for name, text := range map[string]string{
		"go.mod": "module mine\n", folder + "/en/wal.sync.md": text, folder + "/zh/wal.sync.md": text,
		folder + "/" + chapter.BlessedFile: blessed,
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(t.Context(), &bytes.Buffer{}, true, false, nil); !errors.Is(err, errProblems) {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, chapter.BlessedFile)); err != nil || string(text) != blessed {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestAnUnknownStageIsNamed(t *testing.T) {
	if err := run(t.Context(), &bytes.Buffer{}, false, false, []string{"wal.snyc"}); err == nil || !strings.Contains(err.Error(), `"wal.snyc"`) {
		t.Errorf("%v", err)
	}
}
