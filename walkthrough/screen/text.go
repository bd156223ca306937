package screen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width returns how many columns a text takes. Colour sequences take none.
func Width(s string) int {
	if plainASCII(s) { // the common case; counting grapheme clusters is slow
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

// Left aligns s to the left in n columns: it appends blanks. A text wider than n
// columns is returned unchanged.
func Left(s string, n int) string { return s + Blank(n-Width(s)) }

// Right aligns s to the right in n columns: it prepends blanks. A text wider than n
// columns is returned unchanged.
func Right(s string, n int) string { return Blank(n-Width(s)) + s }

// Blank returns n blanks, or "" if n is negative.
func Blank(n int) string { return strings.Repeat(" ", max(0, n)) }

// Cut shortens s to n columns and ends it with an ellipsis. It cuts at the end of a
// word if one ends near.
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

// Middle shortens s to n columns by leaving out its middle, because both ends of a
// function's name are informative. It cuts at the beginning of a word of the name if
// one is near.
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

// Wrap breaks a text into lines of at most n columns. Chinese may break anywhere
// except before a closing mark. Each line has at least one character, even if that
// character is wider than n columns.
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
			if head == "" { // the character is wider than n: give it a line of its own
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

// words splits a text wherever a line may break. Each piece keeps the blanks after
// it. A closing mark stays with the character before it, a unit with its number.
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

// isUnit reports whether r may begin the unit of a number, as in "302 µs".
func isUnit(before, blank, r rune) bool {
	return unicode.IsDigit(before) && blank == ' ' && strings.ContainsRune("nµmsh%B", r)
}

// Runs is a text whose pieces have roles. It is broken into lines before it is
// painted, so that no colour continues past the end of a line. The zero value is
// empty.
type Runs struct {
	text  strings.Builder
	roles []Role // the role of each byte
}

// Add appends a piece of text. A line feed in it ends a line.
func (r *Runs) Add(s string, role Role) {
	r.text.WriteString(s)
	for range len(s) {
		r.roles = append(r.roles, role)
	}
}

// Text returns the text without its roles.
func (r *Runs) Text() string { return r.text.String() }

// Painted returns the painted text, not broken into lines.
func (r *Runs) Painted() string { return paint(r.Text(), r.roles) }

// Wrap returns painted lines of at most n columns, broken as by the function Wrap.
func (r *Runs) Wrap(n int) (out []string) {
	all, at := r.Text(), 0
	for paragraph := range strings.SplitSeq(all, "\n") {
		for _, line := range Wrap(paragraph, n) {
			// Wrap drops nothing but blanks at the ends of lines: skip those.
			for all[at] != line[0] {
				at++
			}
			out = append(out, paint(line, r.roles[at:at+len(line)]))
			at += len(line)
		}
	}
	return out
}

// Fold returns painted lines of at most n columns. It breaks each line where it is
// full and drops no blanks, as source code needs. It returns at least one line.
func (r *Runs) Fold(n int) (out []string) {
	rest, at := r.Text(), 0
	for Width(rest) > n && n > 0 {
		head := ansi.Truncate(rest, n, "")
		if head == "" {
			break // the next character is wider than n columns
		}
		out = append(out, paint(head, r.roles[at:at+len(head)]))
		rest, at = rest[len(head):], at+len(head)
	}
	return append(out, paint(rest, r.roles[at:]))
}

// paint paints each run of bytes that have the same role.
func paint(line string, roles []Role) string {
	var b strings.Builder
	for from := 0; from < len(line); {
		to := from + 1
		for to < len(line) && roles[to] == roles[from] {
			to++
		}
		b.WriteString(roles[from].Paint(line[from:to]))
		from = to
	}
	return b.String()
}

// Escape makes text from a client safe to print. It writes control characters,
// escape sequences, invalid UTF-8 and invisible characters, such as those that
// change the direction of writing, as backslash escapes: none of them can then move
// the cursor, hide text or alter the text beside it.
func Escape(s string) string { return escape(s, "") }

// Quote escapes a name for a line with other names. A name is put between quotation
// marks, and written as a Go string literal, if it is empty, contains a blank, or
// contains a character that had to be escaped.
func Quote(s string) string {
	if s != "" && plainASCII(s) && !strings.ContainsAny(s, ` "\`) {
		return s
	}
	if safe := escape(s, `"\`); safe != s || s == "" || strings.Contains(s, " ") {
		return `"` + safe + `"`
	}
	return s
}

// escape escapes s as Escape does, and puts a backslash before each of the marked
// characters.
func escape(s, marked string) string {
	if plainASCII(s) && !strings.ContainsAny(s, marked) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strings.ContainsRune(marked, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += size
	}
	return b.String()
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
