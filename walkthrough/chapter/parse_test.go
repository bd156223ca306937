package chapter

import (
	"reflect"
	"strings"
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

const sample = `---
note: "one fdatasync: for all"
what: >-
  A text
  of two lines.
---
# wal.sync: one fdatasync for all

The lead: with a colon.

## What happens

A text.
` + "```text\nnot a quote\n```" + `

` + "```source\nexample.org/wal.(*WAL).sync\nat call Fdatasync\n```" + `

More.

` + "```jumps\ncaller wal.save\nhandover example.org/wal.run | on its own goroutine\n```" + `

[← wal.save](041-wal.save.md) · [index](README.md)
`

func TestAChapterIsReadFromItsFile(t *testing.T) {
	c, problems := Parse("en/042-wal.sync.md", sample)
	for _, p := range problems {
		t.Error(p)
	}
	want := &Chapter{
		Stage: stages.WALSync, Lang: lang.EN, File: "en/042-wal.sync.md", Title: "one fdatasync for all", Line: 7,
		Text: Text{Note: "one fdatasync: for all", What: "A text of two lines."},
		Blocks: []Block{
			{Markdown: "The lead: with a colon.\n\n## What happens\n\nA text.\n```text\nnot a quote\n```", Line: 9},
			{Source: &Quote{"example.org/wal.(*WAL).sync", "at call Fdatasync"}, Line: 18},
			{Markdown: "More.", Line: 23},
		},
		Jumps: []Jump{
			{Caller, "wal.save", stages.WALSave, "", 26},
			{Handover, "example.org/wal.run", stages.None, "on its own goroutine", 27},
		},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v\nwant %+v", c, want)
	}
}

func TestAChineseTitleHasAWideColon(t *testing.T) {
	c, problems := Parse("zh/wal.sync.md", "# wal.sync：一次 fdatasync：大家共用\n")
	if c.Stage != stages.WALSync || c.Title != "一次 fdatasync：大家共用" || c.Lang != lang.ZH || len(problems) > 0 {
		t.Errorf("%+v, %v", c, problems)
	}
}

func TestWhatCannotBeReadIsToldWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"no heading":                      `en/wal.sync.md:1: want "# STAGE: a title"`,
		"# wal.sync":                      `en/wal.sync.md:1: want "# STAGE: a title"`,
		"# wal.snyc: x":                   `en/wal.sync.md:1: no stage is called "wal.snyc"`,
		"# wal.save: x":                   "en/wal.sync.md:1: the title is about wal.save",
		"# wal.sync: x\n\n```source\na.B": "en/wal.sync.md:3: the block is not closed",
		"# wal.sync: x\n\n```source\n```": "en/wal.sync.md:3: a source block holds",
		"# wal.sync: x\n\n```source\na.B\nat go\nat go\n```":           "en/wal.sync.md:3: a source block holds",
		"# wal.sync: x\n\n```jumps\ncaller wal.save\nto wal.save\n```": `en/wal.sync.md:5: a jump goes to a caller`,
		"# wal.sync: x\n\n```jumps\ncaller\n```":                       `en/wal.sync.md:4: want "caller|callee|handover`,
		"# wal.sync: x\n```jumps\ncallee wal.save\n```\n```jumps\n```": "en/wal.sync.md:5: a second block of jumps",
		"---\nnote: x\n# wal.sync: x":                                  "en/wal.sync.md:1: the front matter has no end",
		"---\nnote: x\n---":                                            `en/wal.sync.md:3: want "# STAGE: a title"`,
		"---\nnote: x\n---\n# wal.snyc: x":                             `en/wal.sync.md:4: no stage is called "wal.snyc"`,
		"---\nnote: x\nNote: x\n---\n# wal.sync: x":                    "en/wal.sync.md:3: field Note not found",
		"---\nnote: x\nwhat: y\nnote: x\n---\n# wal.sync: x":           `en/wal.sync.md:4: mapping key "note" already defined`,
		"---\nnote: x\nhow: [x\n---\n# wal.sync: x":                    "en/wal.sync.md:",
		"---\nnote: x\nhow: a: b\n---\n# wal.sync: x":                  "en/wal.sync.md:3: ",
	} {
		_, problems := Parse("en/wal.sync.md", text)
		if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
			t.Errorf("%q:\n%v\nwant %s", text, problems, want)
		}
	}
}
