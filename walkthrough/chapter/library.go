package chapter

import (
	"cmp"
	"embed"
	"io/fs"
	"path"
	"slices"
	"sync"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

//go:embed en zh blessed.tsv
var files embed.FS

var books = map[lang.Lang]func() []*Chapter{
	lang.EN: sync.OnceValue(func() []*Chapter { return mustLoad(lang.EN) }),
	lang.ZH: sync.OnceValue(func() []*Chapter { return mustLoad(lang.ZH) }),
}

// mustLoad reads the embedded chapters. What is wrong with one the checks tell;
// the reader gets what can be read.
func mustLoad(l lang.Lang) []*Chapter {
	chapters, _, err := Load(files, l)
	if err != nil {
		panic(err) // an embedded file is always there
	}
	return chapters
}

// Of returns the chapter about a stage; false when there is none.
func Of(s stages.Stage, l lang.Lang) (*Chapter, bool) {
	all := All(l)
	i, ok := slices.BinarySearchFunc(all, s, func(c *Chapter, s stages.Stage) int { return cmp.Compare(c.Stage, s) })
	if !ok {
		return nil, false
	}
	return all[i], true
}

// TextOf returns the short texts about a stage. They are empty for a stage that has
// no chapter, as trace.None.
func TextOf(s stages.Stage, l lang.Lang) Text {
	if c, ok := Of(s, l); ok {
		return c.Text
	}
	return Text{}
}

// All returns the chapters in the order of the path; those of English for a
// language that has none.
func All(l lang.Lang) []*Chapter {
	if book := books[l]; book != nil {
		return book()
	}
	return books[lang.EN]()
}

// Load reads the chapters of a language out of a folder that holds en and zh, in the order
// of the path, with what is wrong with the files. The error is that of
// reading.
func Load(from fs.FS, l lang.Lang) ([]*Chapter, []Problem, error) {
	entries, err := fs.ReadDir(from, string(l))
	if err != nil {
		return nil, nil, err
	}
	var all []*Chapter
	var problems []Problem
	for _, entry := range entries {
		name := path.Join(string(l), entry.Name())
		if path.Ext(name) != ".md" || entry.Name() == "README.md" {
			continue
		}
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, nil, err
		}
		c, wrong := Parse(name, string(text))
		problems = append(problems, wrong...)
		if c.Stage != stages.None {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b *Chapter) int { return cmp.Compare(a.Stage, b.Stage) })
	for i := 1; i < len(all); i++ {
		all[i-1].Next, all[i].Previous = all[i].Stage, all[i-1].Stage
	}
	return all, problems, nil
}
