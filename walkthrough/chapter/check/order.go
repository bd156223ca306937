package check

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// FileName returns the name of the file about a stage. Its number sorts the files in
// the order of the path.
func FileName(s stages.Stage) string { return fmt.Sprintf("%03d-%s.md", s, s) }

// navigation returns the last line of a chapter's file: links to its neighbours and to
// the index.
func navigation(c *chapter.Chapter) string {
	var links []string
	if c.Previous != stages.None {
		links = append(links, fmt.Sprintf("[← %s](%s)", c.Previous, FileName(c.Previous)))
	}
	links = append(links, c.Lang.Pick("[index](README.md)", "[目录](README.md)"))
	if c.Next != stages.None {
		links = append(links, fmt.Sprintf("[%s →](%s)", c.Next, FileName(c.Next)))
	}
	return strings.Join(links, " · ")
}

// Linked returns a chapter's file with Navigation as its last line.
func Linked(c *chapter.Chapter, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n "), "\n")
	if chapter.IsNavigation(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n ") + "\n\n" + navigation(c) + "\n"
}

// Index returns the README of a language's folder: all chapters, by parts of the book.
func Index(l lang.Lang, chapters []*chapter.Chapter) string {
	var b strings.Builder
	b.WriteString(l.Pick(
		"# The path of a request, stage by stage\n\n"+
			"A chapter for each stage, in the order in which a request passes them. Read them here, or in a terminal beside the source\n"+
			"and a request of your own: `glasskv walk`. The blocks marked `source` name a function of grpc-go, etcd or Go; the\n"+
			"companion shows it out of your own module cache, at the version that GlassKV was built with.\n\n"+
			"[中文](../zh/README.md)\n",
		"# 请求走过的路，一个阶段一章\n\n"+
			"每个阶段一章，按请求经过的顺序排列。可以在这里读，也可以在终端里对照源码和你自己的一个请求来读：`glasskv walk`。\n"+
			"标着 `source` 的块写的是 grpc-go、etcd 或 Go 的某个函数，源码由读者自己的模块缓存提供，版本就是构建 GlassKV 时用的版本。\n\n"+
			"[English](../en/README.md)\n"))
	for _, part := range chapter.Parts(chapters, l) {
		fmt.Fprintf(&b, "\n## %s\n\n", part.Title)
		for _, c := range part.Chapters {
			fmt.Fprintf(&b, "- [%s](%s)%s%s\n", c.Stage, FileName(c.Stage), l.Pick(": ", "："), c.Title)
		}
	}
	return b.String()
}

// Order returns the files whose name, links to the neighbours, or list of chapters are
// not those that `scripts/chapters -order` writes. It is only meaningful if all chapters
// were read. An error means that a file could not be read.
func (b *Book) Order() (problems []chapter.Problem, err error) {
	const remedy = "; run `go run ./scripts/chapters -order`"
	for _, l := range lang.Languages {
		for _, c := range b.Chapters[l] {
			text, err := fs.ReadFile(b.Folder, c.File)
			if err != nil {
				return nil, err
			}
			if want := FileName(c.Stage); path.Base(c.File) != want {
				problems = append(problems, chapter.Problem{File: c.File, Text: "is to be called " + want + remedy})
			}
			if Linked(c, string(text)) != string(text) {
				problems = append(problems, chapter.Problem{File: c.File, Text: "does not end with the links to its neighbours" + remedy})
			}
		}
		if len(b.Chapters[l]) == 0 && !slices.Contains(lang.Complete, l) {
			continue
		}
		name := path.Join(string(l), "README.md")
		if text, err := fs.ReadFile(b.Folder, name); err != nil || string(text) != Index(l, b.Chapters[l]) {
			problems = append(problems, chapter.Problem{File: name, Text: "is not the index of the chapters" + remedy})
		}
	}
	return problems, nil
}
