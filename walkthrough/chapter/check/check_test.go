package check

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
)

// disk is a reader's module cache with one module of ours, at a version and with
// a body.
func disk(t *testing.T, version, body string) *source.Library {
	t.Helper()
	cache := t.TempDir()
	dir := filepath.Join(cache, "example.org", "mod@"+version, "wal")
	code := "package wal\n\nfunc Sync() {\n\t" + body + "\n}\n\nfunc Save() { Sync() }\n"
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "wal.go"), []byte(code), 0o644)); err != nil {
		t.Fatal(err)
	}
	return source.New(source.Places{Cache: cache, Versions: map[string]string{"example.org/mod": version}})
}

const english = `---
note: a note
phrase: in a phrase
what: What it is. And why.
how: How it is seen.
slow: When it is slow.
do: What to do.
---
# wal.sync: a title

A lead.

## What happens

` + "```source\nexample.org/mod/wal.Sync\nat call println\n```" + `

## Who calls whom

Text.

## What changes

Text.

## Why it is so

Text.

## What can go wrong

Text.

## Look next

Text.

` + "```jumps\ncaller wal.save\ncallee example.org/mod/wal.Save | a note\n```" + `
`

// chinese has the same blocks and other words.
var chinese = strings.NewReplacer(
	"What happens", "发生了什么", "Who calls whom", "谁调用谁", "What changes", "改变了什么", "Why it is so", "为什么这样",
	"What can go wrong", "会出什么问题", "Look next", "接下来看什么", "a note", "注", "A lead", "开头", "Text", "正文",
	"in a phrase", "短语", "What it is. And why.", "是什么。为什么。", "How it is seen.", "怎么看到。", "When it is slow.", "何时变慢。", "What to do.", "怎么办。",
).Replace(english)

// written is the folder with a chapter in both languages, after changes to it.
func written(change func(fstest.MapFS)) fstest.MapFS {
	files := fstest.MapFS{"en/wal.sync.md": {Data: []byte(english)}, "zh/wal.sync.md": {Data: []byte(chinese)}}
	if change != nil {
		change(files)
	}
	return files
}

func replace(files fstest.MapFS, name, from, to string) {
	files[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(files[name].Data), from, to, 1))}
}

func read(t *testing.T, files fstest.MapFS, library *source.Library, stages ...stages.Stage) *Book {
	t.Helper()
	b, err := Read(files, library, stages...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestASoundChapterBringsNoComplaint(t *testing.T) {
	b := read(t, written(nil), disk(t, "v1.0.0", "println()"))
	for _, p := range b.Problems {
		t.Error(p)
	}
	if missing := b.Missing(lang.EN); len(missing) != len(stages.Specs())-1 || slices.Contains(missing, stages.WALSync) {
		t.Errorf("missing: %v", missing)
	}
}

func TestEveryMistakeIsNamedWithItsLine(t *testing.T) {
	library := disk(t, "v1.0.0", "println()")
	const file = "en/wal.sync.md"
	for _, c := range []struct{ from, to, want string }{
		{"A lead.\n", "", file + ":10: no lead paragraph"},
		{"## What changes\n\nText.\n", "", file + `:25: section "What changes" is missing before "Why it is so"`},
		{"## What changes", "## What happens", `section "What happens" is out of order`},
		{"## What changes", "## What else", file + `:24: no section is called "What else"`},
		{"## What changes\n\nText.", "## What changes\n\n", file + `:24: section "What changes" is empty`},
		{"Text.", "```go\nx()\n```", file + ":22: a block of Go"},
		{"at call println", "at call print", file + ":17: no call print in example.org/mod/wal.Sync; there is: println"},
		{"wal.Sync\n", "wal.Snyc\n", file + ":16: example.org/mod/wal.Snyc: no such symbol"},
		{"mod/wal.Sync\n", "other/wal.Sync\n", file + ":16: source is not on this disk"},
		{"example.org/mod/wal.Sync\n", "glasskv/server/seam.New\n", file + ":16: glasskv/server/seam.New is our own"},
		{"wal.Save |", "wal.Svae |", file + ":42: example.org/mod/wal.Svae: no such symbol"},
		{"caller wal.save", "caller wal.sync", file + ":41: a jump to the chapter itself"},
		{"caller wal.save", "callee wal.save", "zh/wal.sync.md:41: jump 1 is caller wal.save; in en/wal.sync.md it is callee wal.save"},
		{"\nat call println", "", "zh/wal.sync.md:16: source block 1 is example.org/mod/wal.Sync at call println; in en"},
		{"caller wal.save\n", "", "zh/wal.sync.md:41: jump 1 is caller wal.save; in en"},
		{"callee example.org/mod/wal.Save | a note\n", "", "zh/wal.sync.md:42: jump 2, callee example.org/mod/wal.Save, is not in en"},
		{"\ncallee", "\ncallee wal.save\ncallee", "zh/wal.sync.md:42: jump 2 is"},
		{"note: a note\n", "", file + ": note: it is missing"},
		{"note: a note", "note: a note.", file + ":2: note: it is shown beside a bar"},
		{"note: a note", "note: " + strings.Repeat("long", 16), file + ":2: note: 64 characters, at most 60"},
		{"in a phrase", "短语", file + ":3: phrase: it is in the wrong language"},
		{"phrase: in a phrase\n", "", "zh/wal.sync.md: only one of en/wal.sync.md and this file has a text phrase"},
		{"What it is. ", "", file + ":4: what: 1 sentences, want 2 to 4"},
		{"how: How it is seen.", "how:", file + ":5: how: it is missing"},
		{"is seen.", "is seen", file + ":5: how: it does not end as a sentence does"},
		{"slow: When", "slow: |\n  When\n ", file + `:6: slow: stray space: "\n"`},
		{"do: What", "absent: It is.\ndo: What", file + ":7: absent: the stage is shown"},
		{"do: What", "dont: What", file + ":7: field dont not found"},
	} {
		b := read(t, written(func(files fstest.MapFS) { replace(files, file, c.from, c.to) }), library)
		if !slices.ContainsFunc(b.Problems, func(p chapter.Problem) bool { return strings.Contains(p.String(), c.want) }) {
			t.Errorf("%q → %q:\n%v\nwant %s", c.from, c.to, b.Problems, c.want)
		}
	}
}

func TestTwoFilesAboutAStageAreOneTooMany(t *testing.T) {
	b := read(t, written(func(files fstest.MapFS) { files["en/041-wal.sync.md"] = files["en/wal.sync.md"] }), disk(t, "v1.0.0", "println()"))
	if len(b.Problems) != 1 || !strings.Contains(b.Problems[0].Text, "is about the same stage") {
		t.Errorf("%v", b.Problems)
	}
}

func TestOnlyTheStagesAskedForAreChecked(t *testing.T) {
	files := written(func(files fstest.MapFS) { replace(files, "en/wal.sync.md", "at call println", "at call print") })
	library := disk(t, "v1.0.0", "println()")
	if b := read(t, files, library, stages.WALSave); len(b.Problems) > 0 {
		t.Errorf("asked for wal.save: %v", b.Problems)
	}
	if b := read(t, files, library, stages.WALSync); len(b.Problems) == 0 {
		t.Error("asked for wal.sync: no problem was seen")
	}
}

// The story of an upgrade: what was blessed stays blessed while the code is the
// same, and the chapter is listed when it is not.
func TestAnUpgradeListsTheChaptersToReadAgain(t *testing.T) {
	files := written(nil)
	first := read(t, files, disk(t, "v1.0.0", "println() // old"))
	if changes, _, err := first.Changes(); err != nil || len(changes) != 1 || changes[0].Module != "" {
		t.Fatalf("before anything was blessed: %+v, %v", changes, err)
	}
	blessed, err := first.Bless()
	if err != nil {
		t.Fatal(err)
	}
	files[chapter.BlessedFile] = &fstest.MapFile{Data: blessed}
	if line := string(blessed); !strings.HasPrefix(line, "wal.sync\texample.org/mod/wal.Sync\t") || !strings.HasSuffix(line, "\texample.org/mod@v1.0.0\n") {
		t.Errorf("%q", line)
	}

	same := read(t, files, disk(t, "v1.1.0", "println() // new words"))
	if changes, left, err := same.Changes(); err != nil || len(changes)+len(left) > 0 {
		t.Errorf("only a comment has changed: %+v, %+v, %v", changes, left, err)
	}

	other := read(t, files, disk(t, "v2.0.0", "println(); panic(1)"))
	changes, _, err := other.Changes()
	if err != nil || len(changes) != 1 || changes[0].Module != "example.org/mod@v1.0.0" || changes[0].Now.Module != "example.org/mod@v2.0.0" {
		t.Errorf("the code has changed: %+v, %v", changes, err)
	}
	if again, err := other.Bless(stages.WALSave); err != nil || !bytes.Equal(again, blessed) {
		t.Errorf("another stage was blessed, and the file became\n%s%v", again, err)
	}
	if again, err := other.Bless(stages.WALSync); err != nil || !strings.Contains(string(again), "v2.0.0") || strings.Contains(string(again), "v1.0.0") {
		t.Errorf("blessed again:\n%s%v", again, err)
	}
}

func TestABlessingThatNobodyNeedsIsTold(t *testing.T) {
	files := written(func(files fstest.MapFS) {
		files[chapter.BlessedFile] = &fstest.MapFile{Data: []byte("wal.sync\texample.org/mod/wal.Gone\t0123456789ab\texample.org/mod@v1.0.0\n")}
	})
	_, left, err := read(t, files, disk(t, "v1.0.0", "println()")).Changes()
	if err != nil || len(left) != 1 || left[0].Symbol != "example.org/mod/wal.Gone" {
		t.Errorf("%+v, %v", left, err)
	}
	files[chapter.BlessedFile] = &fstest.MapFile{Data: []byte("wal.sync is fine\n")}
	if _, _, err := read(t, files, disk(t, "v1.0.0", "println()")).Changes(); err == nil || !strings.HasPrefix(err.Error(), "blessed.tsv:1: ") {
		t.Errorf("a file that is none: %v", err)
	}
}

func TestFilesAreNamedLinkedAndListedInTheOrderOfThePath(t *testing.T) {
	library := disk(t, "v1.0.0", "println()")
	files := fstest.MapFS{}
	for _, stage := range []stages.Stage{stages.WALSave, stages.WALSync} {
		for l, text := range map[string]string{"en/": english, "zh/": chinese} {
			text = strings.Replace(text, "# wal.sync", "# "+stage.String(), 1)
			files[l+FileName(stage)] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	b := read(t, files, library)
	problems, err := b.Order()
	if err != nil || len(problems) != 6 { // two languages: two files without links, an index that is missing
		t.Fatalf("%v, %v", problems, err)
	}

	for _, l := range lang.Languages {
		for _, c := range b.Chapters[l] {
			linked := Linked(c, string(files[c.File].Data))
			if Linked(c, linked) != linked {
				t.Errorf("%s: linked twice", c.File)
			}
			files[c.File] = &fstest.MapFile{Data: []byte(linked)}
		}
		files[string(l)+"/README.md"] = &fstest.MapFile{Data: []byte(Index(l, b.Chapters[l]))}
	}
	b = read(t, files, library)
	if problems, err := b.Order(); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	first, second := FileName(stages.WALSave), FileName(stages.WALSync)
	if text := string(files["zh/"+second].Data); !strings.HasSuffix(text, "\n\n[← wal.save]("+first+") · [目录](README.md)\n") {
		t.Errorf("the last chapter ends with %q", text[len(text)-80:])
	}
	if index := string(files["en/README.md"].Data); !strings.Contains(index, "## The log, and the commit\n\n- [wal.save]("+first+"): a title\n- [wal.sync]("+second+"): a title\n") {
		t.Errorf("the index:\n%s", index)
	}
}

func TestAFileWithoutItsNumberIsRenamed(t *testing.T) {
	problems, err := read(t, written(nil), disk(t, "v1.0.0", "println()")).Order()
	want := "en/wal.sync.md: is to be called " + FileName(stages.WALSync)
	if err != nil || !slices.ContainsFunc(problems, func(p chapter.Problem) bool { return strings.HasPrefix(p.String(), want) }) {
		t.Errorf("%v, %v", problems, err)
	}
}
