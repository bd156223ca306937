package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

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
