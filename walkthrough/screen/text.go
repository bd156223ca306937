package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Width returns how many columns a text takes, colours apart.
func Width(s string) int { return ansi.StringWidth(s) }

// Left fills up with blanks on the right, Right on the left. A text that is
// wider than n columns is returned as it is.
func Left(s string, n int) string { return s + Blank(n-Width(s)) }

// Right fills up with blanks on the left.
func Right(s string, n int) string { return Blank(n-Width(s)) + s }

// Blank returns n blanks; none when n is negative.
func Blank(n int) string { return strings.Repeat(" ", max(0, n)) }

// Cut shortens to n columns, with an ellipsis at the end, at a word's end where
// there is one near.
func Cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	short := ansi.Truncate(s, max(0, n-1), "")
	if at := strings.LastIndexByte(short, ' '); at > 0 && Width(short)-Width(short[:at]) < 12 {
		short = short[:at]
	}
	return strings.TrimRight(short, " ,;:，；：、") + "…"
}

// Middle shortens to n columns by leaving out the middle: of a function's name
// both ends tell something.
func Middle(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 5 {
		return ansi.Truncate(s, max(0, n), "…")
	}
	head := (n - 1) / 2
	return ansi.Truncate(s, head, "") + "…" + ansi.TruncateLeft(s, Width(s)-(n-1-head), "")
}

// Wrap breaks a text into lines of at most n columns. Chinese may break
// anywhere except before a closing mark.
func Wrap(s string, n int) []string {
	var lines []string
	line, width := "", 0
	for _, w := range words(s) {
		core := strings.TrimRight(w, " ")
		if width > 0 && width+Width(core) > n {
			lines, line, width = append(lines, strings.TrimRight(line, " ")), "", 0
		}
		for Width(core) > n { // a word wider than a line
			head := ansi.Truncate(core, n, "")
			lines = append(lines, head)
			w, core = w[len(head):], core[len(head):]
		}
		line, width = line+w, width+Width(w)
	}
	if rest := strings.TrimRight(line, " "); rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

// words cuts a text at every place where a line may break. Each piece keeps the
// blanks behind it, and a closing mark stays with what it closes.
func words(s string) []string {
	const closing, opening = "，。；：、！？）」』》”’…", "（「『《“‘"
	var out []string
	start, prev := 0, rune(0)
	for i, r := range s {
		wide := Width(string(r)) == 2
		breaks := prev == ' ' || wide || Width(string(prev)) == 2
		if i > start && breaks && r != ' ' && !strings.ContainsRune(closing, r) && !strings.ContainsRune(opening, prev) {
			out, start = append(out, s[start:i]), i
		}
		prev = r
	}
	return append(out, s[start:])
}
