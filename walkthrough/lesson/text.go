package lesson

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"glasskv/walkthrough/screen"
)

// template is a text with formulas in it.
type template struct {
	pieces   []string // between the formulas; always one more than these
	formulas []*formula
}

// compileText reads the formulas of a text, written as ${…}.
func compileText(text string, known scope) (*template, error) {
	t := &template{}
	for {
		before, rest, found := strings.Cut(text, "${")
		t.pieces = append(t.pieces, before)
		if !found {
			return t, nil
		}
		source, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("a ${ without its }")
		}
		f, err := compile(source, known, anything)
		if err != nil {
			return nil, err
		}
		t.formulas, text = append(t.formulas, f), after
	}
}

// sources are the formulas of the text, whatever their lines.
func (t *template) sources() (all []string) {
	for _, f := range t.formulas {
		all = append(all, strings.Join(strings.Fields(f.source), " "))
	}
	return all
}

// ownFigure finds a number that is no part of a name such as HTTP/2 or p99.
var ownFigure = regexp.MustCompile(`(^|[^\p{Latin}\d/._-])\d`)

// figure returns a number that stands in the text itself, "" when there is none.
func (t *template) figure() string {
	for _, piece := range t.pieces {
		if found := ownFigure.FindString(piece); found != "" {
			return found
		}
	}
	return ""
}

// fill works the formulas out and puts them in their places.
func (t *template) fill(known scope) (string, error) {
	var out strings.Builder
	for i, f := range t.formulas {
		value, err := f.run(known)
		if err != nil {
			return "", err
		}
		out.WriteString(t.pieces[i])
		out.WriteString(written(value))
	}
	out.WriteString(t.pieces[len(t.formulas)])
	return out.String(), nil
}

// written is a value as it stands in a text. What came from a client or a server is
// made harmless.
func written(value any) string {
	switch v := value.(type) {
	case float64:
		if v == math.Trunc(v) {
			return strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	case string:
		return screen.Escape(v)
	}
	return screen.Escape(fmt.Sprint(value))
}

// paragraphs splits a text at its empty lines. The lines of a paragraph are joined,
// with a blank where there is one to be in that script.
func paragraphs(text string) (all []string) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var out string
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if out != "" && line != "" && blankBetween(out, line) {
				out += " "
			}
			out += line
		}
		all = append(all, out)
	}
	return all
}

// blankBetween reports whether two lines are joined with a blank: always in
// English; in Chinese where one side is Latin, but not at a mark, which has its own
// room.
func blankBetween(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	wide := func(r rune) bool { return screen.Width(string(r)) == 2 }
	mark := func(r rune) bool { return wide(r) && !unicode.Is(unicode.Han, r) }
	return !mark(last) && !mark(first) && (!wide(last) || !wide(first))
}
