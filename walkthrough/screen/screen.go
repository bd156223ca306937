// Package screen formats text for a terminal: numbers with their units, text of
// double width, colours, and bytes that a client sent.
//
//	screen.go   what kind of screen it is, and the writer that keeps to it
//	text.go     widths, wrapping, coloured runs; a client's bytes made harmless
//	units.go    durations, percentages, sizes and the marks of an axis
//	palette.go  the colours, legible on light and on dark
//
// Nothing here moves the cursor, so all output can be piped, paged and saved.
package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/term"

	"glasskv/walkthrough/lang"
)

// Options describe the screen and its reader. The zero value is English, 80
// columns, no colours.
type Options struct {
	Lang    lang.Lang
	Width   int                  // columns; 0 means the terminal's width, or 80 in a pipe
	Profile colorprofile.Profile // the colours that the screen can show; Unknown counts as none
	ASCII   bool                 // write no character outside ASCII, for terminals with limited fonts
}

// The bounds of the width to draw for, in columns.
const (
	MinWidth     = 60
	MaxWidth     = 200
	DefaultWidth = 80
)

// Columns returns how many columns to draw on w: o.Width, or the terminal's width,
// kept between MinWidth and MaxWidth.
func (o Options) Columns(w io.Writer) int {
	width := o.Width
	if width == 0 {
		width = DefaultWidth
		if f, ok := w.(term.File); ok && term.IsTerminal(f.Fd()) {
			if columns, _, err := term.GetSize(f.Fd()); err == nil && columns > 0 {
				width = columns
			}
		}
	}
	return min(max(width, MinWidth), MaxWidth)
}

// Detect returns what w can show. The argument when says whether to use colours:
// "auto", "always" or "never"; any other word is an error. env is the environment
// in the form of os.Environ; Detect reads NO_COLOR, CLICOLOR_FORCE, TERM and
// COLORTERM.
func Detect(w io.Writer, env []string, when string) (Options, error) {
	o := Options{ASCII: needsASCII(env)}
	switch when {
	case "auto":
		o.Profile = colorprofile.Detect(w, standardNoColor(env))
	case "always":
		o.Profile = max(colorprofile.Env(without(env, "NO_COLOR")), colorprofile.ANSI256)
	case "never":
		o.Profile = colorprofile.NoTTY
	default:
		return o, fmt.Errorf("color %q: want auto, always or never", when)
	}
	return o, nil
}

// needsASCII reports whether the terminal's font may lack the partial blocks that
// bars are drawn with.
func needsASCII(env []string) bool {
	return slices.Contains(env, "TERM=linux") || slices.Contains(env, "TERM=dumb")
}

// standardNoColor replaces any non-empty value of NO_COLOR with "1". no-color.org
// lets every value count; colorprofile accepts only booleans.
func standardNoColor(env []string) []string {
	for _, e := range env {
		if value, ok := strings.CutPrefix(e, "NO_COLOR="); ok && value != "" {
			return append(without(env, "NO_COLOR"), "NO_COLOR=1")
		}
	}
	return env
}

func without(env []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(e string) bool { return strings.HasPrefix(e, name+"=") })
}

// Writer collects lines and writes them at once in Close, so that two timelines
// printed at the same time do not mix. One goroutine at a time may use it.
type Writer struct {
	to    io.Writer
	opts  Options
	lines strings.Builder
}

// NewWriter returns a Writer of lines to w.
func NewWriter(w io.Writer, o Options) *Writer {
	return &Writer{to: w, opts: o}
}

// Line adds the parts as one line. Blanks at its end are left out.
func (w *Writer) Line(parts ...string) {
	w.lines.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	w.lines.WriteByte('\n')
}

// Close writes the collected lines, reduced to the colours and characters that the
// options allow. It does not close the underlying writer.
func (w *Writer) Close() error {
	text := w.lines.String()
	if w.opts.ASCII {
		text = toASCII.Replace(text)
	}
	profile := w.opts.Profile
	if profile == colorprofile.Unknown {
		profile = colorprofile.NoTTY
	}
	if _, err := io.WriteString(&colorprofile.Writer{Forward: w.to, Profile: profile}, text); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// toASCII replaces each character that we draw with by an ASCII one of the same
// width.
var toASCII = strings.NewReplacer(
	"█", "#", "▉", "#", "▊", "#", "▋", "#", "▌", "#", "▐", "#", "▍", "|", "▎", "|", "▏", "|", "▕", "|", "┃", "|", "│", "|", "┊", ":",
	"░", ":", "─", "-", "╶", "-", "╴", "-", "╌", "-", "├", "|", "└", "`", "┤", "|", "▸", ">", "◂", "<",
	"●", "*", "•", ".", "·", ".", "…", "~", "≈", "=", "→", ">", "µ", "u", "×", "x", "■", "#", "∙", ".",
	"–", "-", "—", "-", "’", "'", "“", `"`, "”", `"`,
)
