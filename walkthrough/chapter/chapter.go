// Package chapter holds what is told of each stage, in English and in Chinese: the
// short texts that are shown beside the bars and by explain, and a chapter about what
// happens there, who calls whom on which goroutine, and why it is made so. Both are in
// the Markdown files in en and zh, which are embedded; they can be read there as they
// are. They quote no upstream code: a block names a symbol, and package source cuts it
// out of the reader's own module cache.
//
//	chapter.go   what a chapter is made of; the embedded ones, in the order of the path
//	parse.go     reads one file
//	blessed.go   the code that the chapters were written for
//	check        what must hold for all chapters
//	en, zh       the chapters, a file for each stage, and an index; a folder for each language
//
// # How to add a chapter
//
// For a new stage in the catalogue (trace/stages) write en/STAGE.md and zh/STAGE.md:
//
//	---
//	note: one plain sentence without a full stop, beside the bar
//	phrase: what the verdict says instead of "in STAGE"     (only where it reads better)
//	stream: the same in the verdict on a stream             (only where that says more)
//	absent: why the stage is never shown                    (only of a stage without a seam)
//	what: >-
//	  Two to four sentences: what it is and why it exists.
//	how: >-
//	  How GlassKV sees it, and how exactly.
//	slow: >-
//	  What makes it slow.
//	do: >-
//	  What to do about it.
//	---
//	# wal.sync: a title of its own
//
//	A lead paragraph: what the stage is, in two or three sentences.
//
//	## What happens            ## 发生了什么
//	## Who calls whom          ## 谁调用谁
//	## What changes            ## 改变了什么
//	## Why it is so            ## 为什么这样
//	## What can go wrong       ## 会出什么问题
//	## Then and now            ## 当时与现在       (only where upstream has changed)
//	## Look next               ## 接下来看什么
//
// The lines between the dashes are YAML. A Chinese text is one line: YAML would put a
// blank where it breaks.
//
// To show code, write a fenced block of the kind "source": a symbol on its first line
// and, if it helps, an anchor on its second, as package source describes them. The last
// section ends with a fenced block of the kind "jumps", a line for each place to go on
// to:
//
//	caller google.golang.org/grpc.(*Server).serveStreams
//	callee grpc.processRPC
//	handover grpc.startHandler | a note in the chapter's language
//
// A target is a stage or a symbol. Both languages have the same blocks and the same
// targets. Then
//
//	go run ./scripts/chapters STAGE        checks the chapter
//	go run ./scripts/chapters -bless STAGE remembers the code that it was written for
//	go run ./scripts/chapters -order       numbers the files, links them, and writes the indexes
//
// A language other than English and Chinese has a folder of its name. Where it has no
// chapter about a stage, the English one is shown. Its headings are the English ones.
//
// After an upgrade of a dependency, the first command without a stage lists the
// chapters whose code has changed; they have to be read again.
package chapter

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"path"
	"slices"
	"sync"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// Chapter is the chapter about one stage in one language. The embedded chapters are
// shared by all callers and must not be changed.
type Chapter struct {
	Stage          stages.Stage
	Lang           lang.Lang
	File           string // "en/042-wal.sync.md"
	Title          string // without the stage's name
	Line           int    // where the title is in the file, from 1
	Text           Text
	Blocks         []Block
	Jumps          []Jump
	Previous, Next stages.Stage // its neighbours among the chapters of this language; None at the ends
}

// Text holds the short texts about a stage, in one language: the front matter of
// its chapter. Package check says what each of them must look like.
type Text struct {
	Note   string `yaml:"note"`   // one plain sentence: what happens here; shown beside the bar
	Phrase string `yaml:"phrase"` // the stage in the middle of a verdict: "in the TLS handshake"; "" for "in STAGE"
	Stream string `yaml:"stream"` // the same in the verdict on a stream, which spends most of its time there; "" for "in STAGE"
	Absent string `yaml:"absent"` // why this build never shows the stage; "" for a stage with a seam
	What   string `yaml:"what"`   // two to four sentences: what it is and why it exists
	How    string `yaml:"how"`    // how GlassKV sees it, and how exactly
	Slow   string `yaml:"slow"`   // what makes it slow
	Do     string `yaml:"do"`     // what to do about it
}

// Block is either prose or a reference to upstream's source.
type Block struct {
	Markdown string // prose, with its headings ("## …"), trimmed; "" for a reference
	Source   *Quote // nil for prose
	Line     int    // where the block begins in the file, from 1
}

// Quote refers to a declaration in upstream's source. Both fields are as package source
// takes them.
type Quote struct {
	Symbol string
	Anchor string // the line to mark; "" for none
}

// JumpKind says how the target of a jump is related to the chapter.
type JumpKind string

// The kinds of jumps.
const (
	Caller   JumpKind = "caller"   // the target calls what the chapter is about
	Callee   JumpKind = "callee"   // what the chapter is about calls the target
	Handover JumpKind = "handover" // the work goes on at the target, on another goroutine
)

// Jump leads from a chapter to another one, or to a symbol in the source.
type Jump struct {
	Kind   JumpKind
	Target string       // as the file names it: a stage or a symbol
	Stage  stages.Stage // None if the target is a symbol
	Note   string       // in the chapter's language; may be ""
	Line   int          // where it is in the file, from 1
}

//go:embed [a-z][a-z] blessed.tsv
var files embed.FS

// books holds the chapters of each language, read when they are first asked for.
var books = func() map[lang.Lang]func() []*Chapter {
	all := make(map[lang.Lang]func() []*Chapter)
	for _, l := range lang.Languages {
		all[l] = sync.OnceValue(func() []*Chapter { return wholeBook(l) })
	}
	return all
}()

// wholeBook returns the chapters of a language; where one is missing, the English one.
func wholeBook(l lang.Lang) []*Chapter {
	chapters := mustLoad(l)
	if slices.Contains(lang.Complete, l) {
		return chapters
	}
	for _, english := range mustLoad(lang.EN) {
		if !slices.ContainsFunc(chapters, func(c *Chapter) bool { return c.Stage == english.Stage }) {
			chapters = append(chapters, english)
		}
	}
	putInOrder(chapters)
	return chapters
}

// mustLoad reads the embedded chapters. It leaves out what cannot be read: the tests
// find such mistakes, and a reader is better served with the rest.
func mustLoad(l lang.Lang) []*Chapter {
	chapters, _, err := Load(files, l)
	if err != nil {
		panic(err) // embedded files can always be read
	}
	return chapters
}

// Of returns the chapter about a stage in a language, or, like All, the English one. It
// returns false if there is neither.
func Of(s stages.Stage, l lang.Lang) (*Chapter, bool) {
	all := All(l)
	i, ok := slices.BinarySearchFunc(all, s, func(c *Chapter, s stages.Stage) int { return cmp.Compare(c.Stage, s) })
	if !ok {
		return nil, false
	}
	return all[i], true
}

// TextOf returns the short texts about a stage in a language. Like All, it falls back
// to English. The texts of stages.None are empty.
func TextOf(s stages.Stage, l lang.Lang) Text {
	if c, ok := Of(s, l); ok {
		return c.Text
	}
	return Text{}
}

// All returns the chapters of a language in the order of the path. Where the language has
// no chapter about a stage, All returns the English one. The first call for a language reads
// its files, which takes some milliseconds. All may be called concurrently.
func All(l lang.Lang) []*Chapter {
	if book := books[l]; book != nil {
		return book()
	}
	return books[lang.EN]()
}

// Load reads the chapters of a language from a folder that holds a folder for each
// language. It returns them in the order of the path, with the problems of their files. A
// language that is not complete may have no folder. An error means that a file could not
// be read.
func Load(from fs.FS, l lang.Lang) ([]*Chapter, []Problem, error) {
	entries, err := fs.ReadDir(from, string(l))
	if errors.Is(err, fs.ErrNotExist) && !slices.Contains(lang.Complete, l) {
		return nil, nil, nil
	}
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
	putInOrder(all)
	return all, problems, nil
}

// putInOrder sorts chapters in the order of the path, and sets their neighbours.
func putInOrder(all []*Chapter) {
	slices.SortStableFunc(all, func(a, b *Chapter) int { return cmp.Compare(a.Stage, b.Stage) })
	for i := 1; i < len(all); i++ {
		all[i-1].Next, all[i].Previous = all[i].Stage, all[i-1].Stage
	}
}

// Part is a part of the book: consecutive chapters below one heading of the index.
type Part struct {
	Title    string
	Chapters []*Chapter // in the order of the path
}

// parts lists the first stage of each part, in the order of the path. A part ends where
// the next one begins.
var parts = []struct {
	first  stages.Stage
	en, zh string
}{
	{stages.HTTPReadRequest, "In through the gateway", "经网关进来"},
	{stages.ClientDial, "The client and the network", "客户端与网络"},
	{stages.CmuxMatch, "A connection begins", "一条连接的开始"},
	{stages.OperateHeaders, "From a frame to a handler", "从帧到处理函数"},
	{stages.V3Lock, "The handlers", "各个处理函数"},
	{stages.WatchCreate, "Watches, leases and upkeep", "watch、租约与维护"},
	{stages.RaftRequest, "The proposal", "提案"},
	{stages.RaftReplicate, "The other members", "其他成员"},
	{stages.WALSave, "The log, and the commit", "日志与提交"},
	{stages.ApplyWait, "Apply", "应用"},
	{stages.MVCCBegin, "The store", "存储"},
	{stages.ReadWait, "A read that may not be stale", "不能过期的读"},
	{stages.SendMsg, "The reply", "答复"},
	{stages.GatewayEncode, "Out through the gateway", "经网关出去"},
	{stages.Fault, "Waits put in from outside", "从外面加进来的等待"},
}

// Parts divides chapters, which must be in the order of the path, into the parts of the
// book. It leaves out parts without chapters.
func Parts(chapters []*Chapter, l lang.Lang) []Part {
	var all []Part
	for i, p := range parts {
		end := stages.NumStages
		if i+1 < len(parts) {
			end = parts[i+1].first
		}
		part := Part{Title: l.Pick(p.en, p.zh)}
		for _, c := range chapters {
			if p.first <= c.Stage && c.Stage < end {
				part.Chapters = append(part.Chapters, c)
			}
		}
		if len(part.Chapters) > 0 {
			all = append(all, part)
		}
	}
	return all
}
