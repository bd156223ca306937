package screen

import (
	"fmt"
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

// Runs is text with a role for each piece of it. It is broken into lines first and
// painted afterwards, so that no colour runs on over a line's end. The zero value is
// empty.
type Runs struct {
	text  strings.Builder
	roles []Role // of each byte
}

// Add puts a piece at the end. A line feed in it ends a line.
func (r *Runs) Add(s string, role Role) {
	r.text.WriteString(s)
	for range len(s) {
		r.roles = append(r.roles, role)
	}
}

// Text returns the text without its roles.
func (r *Runs) Text() string { return r.text.String() }

// Painted returns the text in one piece.
func (r *Runs) Painted() string { return paint(r.Text(), r.roles) }

// Wrap returns painted lines of at most n columns, broken as the function Wrap does.
func (r *Runs) Wrap(n int) (out []string) {
	all, at := r.Text(), 0
	for paragraph := range strings.SplitSeq(all, "\n") {
		for _, line := range Wrap(paragraph, n) {
			// Wrapping leaves out nothing but blanks at the ends of lines.
			for all[at] != line[0] {
				at++
			}
			out = append(out, paint(line, r.roles[at:at+len(line)]))
			at += len(line)
		}
	}
	return out
}

// Fold returns painted lines of at most n columns, broken wherever they are full:
// for source, in which every blank counts. There is at least one line.
func (r *Runs) Fold(n int) (out []string) {
	rest, at := r.Text(), 0
	for Width(rest) > n && n > 0 {
		head := ansi.Truncate(rest, n, "")
		if head == "" {
			break // a character that is wider than a line
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

// Escape makes what a client sent safe to print: control characters, escape
// sequences, bytes that are not UTF-8, and the invisible characters that turn
// the direction of a line are written out, so that none of them can move the
// cursor, hide text or change what stands beside it.
func Escape(s string) string { return escape(s, "") }

// Quote is Escape for a name that stands in a line with others. Between
// quotation marks stands what is empty, has blanks in it, or could be taken for
// something else; there it reads as in a program.
func Quote(s string) string {
	if s != "" && plainASCII(s) && !strings.ContainsAny(s, ` "\`) {
		return s
	}
	if safe := escape(s, `"\`); safe != s || s == "" || strings.Contains(s, " ") {
		return `"` + safe + `"`
	}
	return s
}

// escape writes a backslash before the marked characters as well.
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
