package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// numbers writes the lines' numbers, with a star after those of marked lines.
func numbers(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		switch {
		case l.Number == 0:
			b.WriteString("… ")
		case l.Marked:
			fmt.Fprintf(&b, "%d* ", l.Number)
		default:
			fmt.Fprintf(&b, "%d ", l.Number)
		}
	}
	return strings.TrimSpace(b.String())
}

// long is an excerpt of forty lines, from 101 to 140, with a signature of two.
func long(markFirst, markLast int) *Excerpt {
	e := &Excerpt{First: 101, Last: 140, head: 2}
	for n := e.First; n <= e.Last; n++ {
		e.Lines = append(e.Lines, Line{Number: n})
	}
	if markFirst > 0 {
		e.setMark(markFirst, markLast)
	}
	return e
}

func TestWhatFitsAScreenIsTheSignatureAndTheMark(t *testing.T) {
	for _, c := range []struct {
		first, last, n int
		want           string
	}{
		{120, 120, 10, "101 102 … 118 119 120* 121 122 123 …"},
		{120, 121, 9, "101 102 … 119 120* 121* 122 123 …"},
		{103, 103, 10, "101 102 103* 104 105 106 107 108 109 …"},
		{106, 106, 10, "101 102 103 104 105 106* 107 108 109 …"},
		{140, 140, 10, "101 102 … 134 135 136 137 138 139 140*"},
		{136, 137, 10, "101 102 … 134 135 136* 137* 138 139 140"},
		{110, 130, 10, "101 102 … 110* 111* 112* 113* 114* 115* …"},
		{0, 0, 6, "101 102 103 104 105 …"},
		{120, 120, 3, "101 102 …"},
		{120, 120, 0, ""},
	} {
		e := long(c.first, c.last)
		if got := numbers(e.Around(c.n)); got != c.want {
			t.Errorf("mark %d to %d in %d lines:\n%s\nwant\n%s", c.first, c.last, c.n, got, c.want)
		}
	}
}

func TestNoChoiceOfLinesExceedsTheRoomOrHidesTheMark(t *testing.T) {
	for mark := 101; mark <= 140; mark++ {
		for n := 4; n <= 50; n++ {
			lines := long(mark, mark).Around(n)
			last, shown := 0, false
			for _, l := range lines {
				shown = shown || l.Marked
				if l.Number != 0 && l.Number <= last {
					t.Fatalf("mark %d in %d lines: %s", mark, n, numbers(lines))
				}
				last = max(last, l.Number)
			}
			if len(lines) > n || !shown {
				t.Fatalf("mark %d in %d lines: %s", mark, n, numbers(lines))
			}
		}
	}
	e := long(120, 120)
	if got := e.Around(40); len(got) != 40 {
		t.Errorf("what fits is cut: %s", numbers(got))
	}
}

func TestLinesAreCutIntoColouredTokens(t *testing.T) {
	e := cutOut(t, fixture(t), pkg+"Counter.String", "")
	var kinds []string
	for _, token := range e.Lines[0].Tokens {
		if strings.TrimSpace(token.Text) != "" {
			kinds = append(kinds, fmt.Sprintf("%s:%d", token.Text, token.Kind))
		}
	}
	want := []string{
		fmt.Sprintf("func:%d", Keyword), fmt.Sprintf("(:%d", Plain), fmt.Sprintf("c:%d", Plain), fmt.Sprintf("Counter:%d", Plain),
		fmt.Sprintf("):%d", Plain), fmt.Sprintf("String:%d", Func), fmt.Sprintf("(:%d", Plain), fmt.Sprintf("):%d", Plain),
		fmt.Sprintf("string:%d", Builtin), fmt.Sprintf("{:%d", Plain),
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("%q\nwant %q", kinds, want)
	}
	has := func(kind Kind, text string) bool {
		for _, line := range e.Lines {
			if slices.Contains(line.Tokens, Token{kind, text}) {
				return true
			}
		}
		return false
	}
	for _, token := range []Token{{Number, "0"}, {String, `"owed"`}, {Comment, "// <- at switch | 6"}, {Keyword, "case"}, {Func, "Sprint"}} {
		if !has(token.Kind, token.Text) {
			t.Errorf("no token %+v", token)
		}
	}
}

// The lines are the file's own, to the last byte, whatever stands in them.
func TestTokensMakeUpTheirLines(t *testing.T) {
	l := fixture(t)
	for _, symbol := range []string{"Serve", "Box", "Names", "Pair"} {
		e := cutOut(t, l, pkg+symbol, "")
		d, err := l.declaration(pkg + symbol)
		if err != nil {
			t.Fatal(err)
		}
		file := strings.Split(string(d.file.text), "\n")
		for _, line := range e.Lines {
			if line.Text() != file[line.Number-1] {
				t.Errorf("%s: line %d is %q, and was cut to %q", symbol, line.Number, file[line.Number-1], line.Text())
			}
		}
	}
}

func TestATextOverSeveralLinesKeepsItsColour(t *testing.T) {
	f := &file{path: "x.go", text: []byte("package x\n\nvar a = `one\n\ttwo` /* three\n\nfour */\n")}
	if err := f.parse(); err != nil {
		t.Fatal(err)
	}
	lines := f.lines(3, 6)
	if len(lines) != 4 || lines[2].Text() != "" || lines[3].Number != 6 {
		t.Fatalf("%+v", lines)
	}
	for i, want := range []Token{0: {String, "`one"}, 1: {String, "\ttwo`"}, 3: {Comment, "four */"}} {
		if i != 2 && !slices.Contains(lines[i].Tokens, want) {
			t.Errorf("line %d is %+v, want %+v in it", i, lines[i].Tokens, want)
		}
	}
}

func TestTabsBecomeBlanks(t *testing.T) {
	tabbed := []Line{{Number: 7, Marked: true, Tokens: []Token{{Plain, "\t\tif"}, {Plain, " x\t"}, {Comment, "// é\ty"}}}}
	got := Expand(tabbed, 4)
	if got[0].Text() != "        if x    // é    y" || got[0].Number != 7 || !got[0].Marked || got[0].Tokens[2].Kind != Comment {
		t.Errorf("%+v", got)
	}
	if tabbed[0].Tokens[0].Text != "\t\tif" {
		t.Error("the lines themselves were changed")
	}
}

// An upgrade that only touches comments and layout asks nobody to read again.
func TestOnlyCodeChangesTheHash(t *testing.T) {
	code := "func f(a, b int) int {\n\treturn a + b\n}"
	same := []string{
		"func f(a, b int) int {\n\n\t// the sum\n\treturn a + b // of both\n}",
		"func f(a,\n\tb int) int { return a + b }",
	}
	others := []string{"func f(a, b int) int {\n\treturn a - b\n}", "func f(a, b int) int {\n\treturn a + \"b\"\n}"}
	for _, s := range same {
		if hash([]byte(s)) != hash([]byte(code)) {
			t.Errorf("another hash for\n%s", s)
		}
	}
	for _, s := range others {
		if hash([]byte(s)) == hash([]byte(code)) {
			t.Errorf("the same hash for\n%s", s)
		}
	}
	if len(hash(nil)) != 12 {
		t.Errorf("%q", hash(nil))
	}
}

func TestTheSameLinesOnTheWeb(t *testing.T) {
	for want, m := range map[string]module{
		"https://github.com/grpc/grpc-go/blob/v1.85.0/a/b.go#L3-L4":           {"google.golang.org/grpc", "v1.85.0"},
		"https://github.com/etcd-io/etcd/blob/v3.7.3/server/a/b.go#L3-L4":     {"go.etcd.io/etcd/server/v3", "v3.7.3"},
		"https://github.com/etcd-io/etcd/blob/v3.7.3/client/pkg/a/b.go#L3-L4": {"go.etcd.io/etcd/client/pkg/v3", "v3.7.3"},
		"https://github.com/golang/go/blob/go1.26.8/src/a/b.go#L3-L4":         {"", "go1.26.8"},
	} {
		if got := m.url("a/b.go", 3, 4); got != want {
			t.Errorf("%s: %s, want %s", m, got, want)
		}
	}
	for _, m := range []module{{"example.org/x", "v1.0.0"}, {"google.golang.org/grpc", "v1.86.0-dev"}, {"", "devel go1.27-abc"}} {
		if got := m.url("a.go", 1, 2); got != "" {
			t.Errorf("%s: %s", m, got)
		}
	}
}
