package source

import (
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// Excerpt is a declaration, read from this disk.
type Excerpt struct {
	Symbol, Anchor      string // the arguments of Library.Excerpt
	Module              string // path@version, or the Go release
	File                string // absolute path on this disk
	Name                string // the path inside the module, with slashes: "storage/wal/wal.go"
	URL                 string // the same lines on the Web; "" if unknown
	Lines               []Line // the whole declaration, First to Last
	First, Last         int    // lines of the file
	MarkFirst, MarkLast int    // lines of the anchor's statement; 0, 0 without an anchor
	Hash                string // the hash of the code without comments and layout, 12 hexadecimal digits

	head int // how many lines the signature has
}

// Line is one line of source. It contains tabs, which Expand replaces.
type Line struct {
	Number int // the line's number in the file; 0 for an ellipsis in place of omitted lines
	Marked bool
	Tokens []Token
}

// Text returns the text of the line.
func (l Line) Text() string {
	var text []byte
	for _, t := range l.Tokens {
		text = append(text, t.Text...)
	}
	return string(text)
}

// ellipsis replaces omitted lines.
var ellipsis = Line{Tokens: []Token{{Comment, "…"}}}

// excerpt returns the whole declaration, unmarked.
func (d *symbolDecl) excerpt() *Excerpt {
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

// headEnd returns the end of a function's signature or of a field. For any other
// declaration it returns the beginning.
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

// Around returns at most n lines: the signature and the lines around the mark, or the
// first lines if nothing is marked. An ellipsis, a line with the number 0, replaces
// omitted lines and counts as one of the n. If the mark does not fit, its first lines
// are returned. If n is less than 4, Around returns the beginning of the declaration.
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
		// The ellipsis would take as much room as the lines that it replaces.
		return cut(e.Lines, 0, n-1)
	}
	if to >= len(e.Lines)-1 {
		from, to = len(e.Lines)-room-1, len(e.Lines)
	}
	lines := append(slices.Clone(e.Lines[:head]), ellipsis)
	return append(lines, cut(e.Lines, from, to)...)
}

// window returns a range of lines with the mark in its middle; height is their number.
func (e *Excerpt) window(height int) (from, to int) {
	if e.MarkFirst == 0 {
		return 0, height
	}
	first, last := e.MarkFirst-e.First, e.MarkLast-e.First
	from = first - max(height-(last-first+1), 0)/2
	from = max(0, min(from, len(e.Lines)-height))
	return from, from + height
}

// cut returns lines[from:to], followed by an ellipsis if more lines follow.
func cut(lines []Line, from, to int) []Line {
	out := slices.Clone(lines[from:to])
	if to < len(lines) {
		out = append(out, ellipsis)
	}
	return out
}

// Kind is the kind of a token, which decides its colour.
type Kind uint8

// The kinds of tokens.
const (
	Plain   Kind = iota // names, operators, blanks
	Keyword             // func, for, select …
	String              // string and character literals
	Number
	Comment
	Builtin // predeclared names: error, len, nil …
	Func    // the name of a function that is declared or called
)

// Token is a piece of a line. The tokens of a line, blanks included, add up to it.
type Token struct {
	Kind Kind
	Text string
}

// lines returns the lines first to last, inclusive, of a file as tokens.
func (f *file) lines(first, last int) []Line {
	tokenFile := f.set.File(f.ast.FileStart)
	begin := tokenFile.Offset(tokenFile.LineStart(first))
	end := len(f.text)
	if last < tokenFile.LineCount() {
		end = tokenFile.Offset(tokenFile.LineStart(last + 1))
	}
	text := strings.TrimSuffix(strings.ReplaceAll(string(f.text[begin:end]), "\r\n", "\n"), "\n")
	lines := []Line{{Number: first}}
	for _, t := range tokenize([]byte(text)) {
		// A comment or a raw string may span several lines.
		for i, piece := range strings.Split(t.Text, "\n") {
			if i > 0 {
				lines = append(lines, Line{Number: first + len(lines)})
			}
			if piece != "" {
				at := &lines[len(lines)-1]
				at.Tokens = append(at.Tokens, Token{t.Kind, piece})
			}
		}
	}
	return lines
}

// tokenize splits a text into tokens. The text between Go's tokens is Plain.
func tokenize(text []byte) (tokens []Token) {
	done := 0
	scan(text, scanner.ScanComments, func(offset int, tok token.Token, literal string) {
		if literal == "" {
			literal = tok.String()
		}
		if tok == token.SEMICOLON && literal == "\n" {
			return // inserted by the scanner, not in the source
		}
		if offset > done {
			tokens = append(tokens, Token{Plain, string(text[done:offset])})
		}
		done = min(offset+len(literal), len(text))
		if n := len(tokens); tok == token.LPAREN && n > 0 && tokens[n-1].Kind == Plain && token.IsIdentifier(tokens[n-1].Text) {
			tokens[n-1].Kind = Func
		}
		tokens = append(tokens, Token{kindOf(tok, literal), string(text[offset:done])})
	})
	return append(tokens, Token{Plain, string(text[done:])})
}

// scan calls each for every token of a piece of a file. It ignores syntax errors,
// which can only be at the edges: the declaration itself was parsed.
func scan(text []byte, mode scanner.Mode, each func(offset int, tok token.Token, literal string)) {
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, func(token.Position, string) {}, mode)
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return
		}
		each(file.Offset(pos), tok, literal)
	}
}

var builtins = func() map[string]bool {
	names := make(map[string]bool)
	for _, name := range strings.Fields("any bool byte comparable complex64 complex128 error float32 float64 int int8 int16 int32 int64" +
		" rune string uint uint8 uint16 uint32 uint64 uintptr true false iota nil" +
		" append cap clear close complex copy delete imag len make max min new panic print println real recover") {
		names[name] = true
	}
	return names
}()

func kindOf(tok token.Token, literal string) Kind {
	switch {
	case tok == token.COMMENT:
		return Comment
	case tok == token.STRING || tok == token.CHAR:
		return String
	case tok == token.INT || tok == token.FLOAT || tok == token.IMAG:
		return Number
	case tok.IsKeyword():
		return Keyword
	case tok == token.IDENT && builtins[literal]:
		return Builtin
	}
	return Plain
}

// hash returns a hash of the code's tokens, so that it does not depend on comments and
// layout. A semicolon or comma before a closing bracket is ignored: a line break
// there requires one.
func hash(code []byte) string {
	var words []string
	scan(code, 0, func(_ int, tok token.Token, literal string) {
		if tok == token.SEMICOLON || literal == "" {
			literal = tok.String()
		}
		if n := len(words); n > 0 && (tok == token.RBRACE || tok == token.RPAREN) && (words[n-1] == ";" || words[n-1] == ",") {
			words = words[:n-1]
		}
		words = append(words, literal)
	})
	sum := sha256.Sum256([]byte(strings.Join(words, " ")))
	return hex.EncodeToString(sum[:6])
}

// Expand returns the lines with tabs replaced by blanks, up to the next tab stop; tab
// stops are width columns apart. It does not modify its argument.
func Expand(lines []Line, width int) []Line {
	out := make([]Line, len(lines))
	for i, l := range lines {
		column := 0
		tokens := make([]Token, len(l.Tokens))
		for j, t := range l.Tokens {
			tokens[j] = Token{t.Kind, expand(t.Text, width, &column)}
		}
		out[i] = Line{l.Number, l.Marked, tokens}
	}
	return out
}

func expand(text string, width int, column *int) string {
	var b strings.Builder
	for piece := range strings.SplitAfterSeq(text, "\t") {
		words, tab := strings.CutSuffix(piece, "\t")
		b.WriteString(words)
		*column += utf8.RuneCountInString(words)
		if tab {
			blanks := max(width, 1) - *column%max(width, 1)
			b.WriteString(strings.Repeat(" ", blanks))
			*column += blanks
		}
	}
	return b.String()
}
