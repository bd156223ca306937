package screen

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width returns how many columns a text takes, colours apart.
func Width(s string) int {
	if plainASCII(s) { // most are, and counting clusters of characters takes time
		return len(s)
	}
	return ansi.StringWidth(s)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

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
// both ends tell something. It cuts where a word of the name begins, if one
// begins near.
func Middle(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 5 {
		return ansi.Truncate(s, max(0, n), "…")
	}
	tail := ansi.TruncateLeft(s, Width(s)-n/2, "")
	if at := strings.IndexFunc(tail, unicode.IsUpper); at > 0 && at <= len(tail)/2 {
		tail = tail[at:]
	}
	head := ansi.Truncate(s, n-1-Width(tail), "")
	if at := strings.LastIndexAny(head, "./"); at >= len(head)-4 && at > 0 {
		head = head[:at+1]
	}
	return head + "…" + tail
}

// Wrap breaks a text into lines of at most n columns. Chinese may break
// anywhere except before a closing mark. A line takes at least one character,
// however little room there is.
func Wrap(s string, n int) []string {
	var lines []string
	n = max(n, 1)
	line, width := "", 0
	for _, w := range words(s) {
		core := strings.TrimRight(w, " ")
		if width > 0 && width+Width(core) > n {
			if full := strings.TrimRight(line, " "); full != "" {
				lines = append(lines, full)
			}
			line, width = "", 0
		}
		for Width(core) > n { // a word wider than a line
			head := ansi.Truncate(core, n, "")
			if head == "" { // not even one character fits; it has a line to itself
				_, size := utf8.DecodeRuneInString(core)
				head = core[:size]
			}
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
// blanks behind it, a closing mark stays with what it closes, and a unit with
// its number.
func words(s string) []string {
	const closing, opening = "，。；：、！？）」』》”’…", "（「『《“‘"
	var out []string
	start, before, prev := 0, rune(0), rune(0)
	for i, r := range s {
		breaks := prev == ' ' || Width(string(r)) == 2 || Width(string(prev)) == 2
		bound := strings.ContainsRune(closing, r) || strings.ContainsRune(opening, prev) || isUnit(before, prev, r)
		if i > start && breaks && r != ' ' && !bound {
			out, start = append(out, s[start:i]), i
		}
		before, prev = prev, r
	}
	return append(out, s[start:])
}

// isUnit reports whether r begins what may be the unit of a number: "302 µs".
func isUnit(before, blank, r rune) bool {
	return unicode.IsDigit(before) && blank == ' ' && strings.ContainsRune("nµmsh%B", r)
}
