package chapter

import (
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// Chapter is what there is to tell of one stage, in one language. Chapters are
// shared by all who ask: nobody changes them.
type Chapter struct {
	Stage          stages.Stage
	Lang           lang.Lang
	File           string // "en/042-wal.sync.md"
	Title          string // without the stage's name
	Line           int    // of the title, in the file
	Text           Text
	Blocks         []Block
	Jumps          []Jump
	Previous, Next stages.Stage // those that have a chapter in this language; None at the ends
}

// Text holds the short texts about a stage, in one language: the front matter of
// its chapter. Package check says what each of them must look like.
type Text struct {
	Note   string `yaml:"note"`   // one plain sentence: what happens here; shown beside the bar
	Phrase string `yaml:"phrase"` // the stage in the middle of a verdict: "in the TLS handshake"; "" for "in STAGE"
	Absent string `yaml:"absent"` // why this build never shows the stage; "" for a stage with a seam
	What   string `yaml:"what"`   // two to four sentences: what it is and why it exists
	How    string `yaml:"how"`    // how GlassKV sees it, and how exactly
	Slow   string `yaml:"slow"`   // what makes it slow
	Do     string `yaml:"do"`     // what to do about it
}

// Block is a stretch of a chapter: prose, or a place in the source.
type Block struct {
	Markdown string // prose, with its headings ("## …"), trimmed; "" for a place in the source
	Source   *Quote // nil for prose
	Line     int    // of the file, where the block begins
}

// Quote names a place in upstream's source, for package source.
type Quote struct {
	Symbol string
	Anchor string // "" marks nothing
}

// JumpKind says how one gets from a chapter to a jump's target.
type JumpKind string

// The kinds of jumps.
const (
	Caller   JumpKind = "caller"   // the target calls what the chapter is about
	Callee   JumpKind = "callee"   // the target is called from there
	Handover JumpKind = "handover" // the work goes on at the target, on another goroutine
)

// Jump leads from a chapter to another one, or to a piece of source.
type Jump struct {
	Kind   JumpKind
	Target string       // as it is written: a stage's name, or a symbol
	Stage  stages.Stage // None when the target is a symbol
	Note   string       // in the chapter's language; often ""
	Line   int          // of the file
}
