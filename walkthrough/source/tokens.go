package source

import (
	"crypto/sha256"
	"encoding/hex"
	"go/scanner"
	"go/token"
	"strings"
	"unicode/utf8"
)

// Kind is what a token is, for its colour.
type Kind uint8

// The kinds of tokens.
const (
	Plain   Kind = iota // names, operators, blanks
	Keyword             // func, for, select …
	String              // texts and characters
	Number
	Comment
	Builtin // what the language declares: error, len, nil …
	Func    // a name that is declared as a function here, or called
)

// Token is a piece of a line. The pieces of a line make it up without a gap.
type Token struct {
	Kind Kind
	Text string
}

// lines cuts lines out of a file, in tokens. Both line numbers are included.
func (f *file) lines(first, last int) []Line {
	tokenFile := f.set.File(f.ast.FileStart)
	begin := tokenFile.Offset(tokenFile.LineStart(first))
	end := len(f.text)
	if last < tokenFile.LineCount() {
		end = tokenFile.Offset(tokenFile.LineStart(last + 1))
	}
	text := strings.TrimSuffix(strings.ReplaceAll(string(f.text[begin:end]), "\r\n", "\n"), "\n")
	lines := []Line{{Number: first}}
	for _, t := range colour([]byte(text)) {
		// A comment or a raw string may go over several lines.
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

// colour cuts a text into tokens; what lies between them is Plain.
func colour(text []byte) (tokens []Token) {
	done := 0
	scan(text, scanner.ScanComments, func(offset int, tok token.Token, literal string) {
		if literal == "" {
			literal = tok.String()
		}
		if tok == token.SEMICOLON && literal == "\n" {
			return // put in by the scanner; it stands nowhere
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

// scan calls each for every token of a piece of a file. What is no Go at its
// edges is passed over: the declaration itself was parsed.
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

// hash tells whether code is the same, whatever its comments and its layout: it
// is made of the tokens. A line break before a closing bracket brings a
// semicolon or a comma with it, so those do not count.
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

// Expand turns tabs into blanks, with a tab stop every width columns. It leaves
// lines as they are and returns new ones.
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
