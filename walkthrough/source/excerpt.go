package source

import (
	"go/ast"
	"go/token"
	"slices"
)

// Excerpt is a declaration as it stands on this disk.
type Excerpt struct {
	Symbol, Anchor      string // as they were asked for
	Module              string // path@version, or the Go release
	File                string // absolute path on this disk
	Name                string // the path inside the module, with slashes: "storage/wal/wal.go"
	URL                 string // the same lines on the Web; "" when it is not known where
	Lines               []Line // the whole declaration, First to Last
	First, Last         int    // lines of the file
	MarkFirst, MarkLast int    // lines of the anchor's statement; 0, 0 without an anchor
	Hash                string // of the code without comments and layout, 12 hexadecimal digits

	head int // lines of the signature: up to the body
}

// Line is one line of source. Tabs are still tabs: who shows it calls Expand.
type Line struct {
	Number int // in the file; 0 for the ellipsis that stands for lines left out
	Marked bool
	Tokens []Token
}

// Text is the line without its colours.
func (l Line) Text() string {
	var text []byte
	for _, t := range l.Tokens {
		text = append(text, t.Text...)
	}
	return string(text)
}

// ellipsis stands for lines left out.
var ellipsis = Line{Tokens: []Token{{Comment, "…"}}}

// excerpt cuts the whole declaration out.
func (d *declared) excerpt() *Excerpt {
	f := d.file
	e := &Excerpt{
		Symbol: d.symbol, Module: d.module.String(), File: f.path, Name: d.name,
		First: f.line(d.node.Pos()), Last: f.line(d.node.End()),
		Hash: hash(f.text[f.offset(d.node.Pos()):f.offset(d.node.End())]),
	}
	e.URL = d.module.url(d.name, e.First, e.Last)
	e.head = f.line(headEnd(d.node)) - e.First + 1
	e.Lines = f.lines(e.First, e.Last)
	return e
}

// headEnd is where the signature of a declaration ends: at its body, if it has
// one.
func headEnd(node ast.Node) (end token.Pos) {
	end = node.Pos()
	switch d := node.(type) {
	case *ast.FuncDecl:
		end = d.Type.End()
	case *ast.Field:
		end = d.End()
	}
	return end
}

func (e *Excerpt) setMark(first, last int) {
	e.MarkFirst, e.MarkLast = first, last
	for i := range e.Lines {
		n := e.Lines[i].Number
		e.Lines[i].Marked = first <= n && n <= last
	}
}

// Around returns at most n lines: the signature, and the lines around the mark;
// the first ones when nothing is marked. Where lines are left out there stands a
// line with the number 0, which counts. A mark that is longer than the room is
// shown from its beginning. Less than four lines only show how the declaration
// begins.
func (e *Excerpt) Around(n int) []Line {
	if len(e.Lines) <= n {
		return slices.Clone(e.Lines)
	}
	if n <= 0 {
		return nil
	}
	head := min(max(e.head, 1), max(n/3, 1))
	room := n - head - 2 // an ellipsis above and one below
	if room < 1 {
		return cut(e.Lines, 0, n-1)
	}
	from, to := e.window(room)
	if from <= head+1 {
		// What would be left out above is no more than the ellipsis takes.
		return cut(e.Lines, 0, n-1)
	}
	if to >= len(e.Lines)-1 {
		from, to = len(e.Lines)-room-1, len(e.Lines)
	}
	lines := append(slices.Clone(e.Lines[:head]), ellipsis)
	return append(lines, cut(e.Lines, from, to)...)
}

// window places room lines so that the mark is in their middle.
func (e *Excerpt) window(room int) (from, to int) {
	if e.MarkFirst == 0 {
		return 0, room
	}
	first, last := e.MarkFirst-e.First, e.MarkLast-e.First
	from = first - max(room-(last-first+1), 0)/2
	from = max(0, min(from, len(e.Lines)-room))
	return from, from + room
}

// cut takes a range of lines, with an ellipsis when the rest is left out.
func cut(lines []Line, from, to int) []Line {
	out := slices.Clone(lines[from:to])
	if to < len(lines) {
		out = append(out, ellipsis)
	}
	return out
}
