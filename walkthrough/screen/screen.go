// Package screen knows how things are written on a terminal: numbers with
// their units, text of double width, colours, and what a client sent.
//
//	screen.go   what kind of screen it is, and the writer that keeps to it
//	text.go     widths, wrapping, coloured runs; a client's bytes made harmless
//	units.go    durations, percentages, sizes and the marks of an axis
//	palette.go  the colours, legible on light and on dark
//
// Nothing here moves the cursor: what is written can be piped, paged and kept.
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
	Width   int                  // columns; 0: those of the terminal that is written to, 80 in a pipe
	Profile colorprofile.Profile // the colours it can show; Unknown counts as none
	ASCII   bool                 // no character outside ASCII, for poor terminals
}

// The bounds of what we draw for.
const (
	MinWidth     = 60
	MaxWidth     = 200
	DefaultWidth = 80
)

// Columns returns how wide to draw on w.
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

// Detect finds out what w can show. When says whether to use colours: "auto",
// "always" or "never"; any other word is an error. Env is the environment as
// os.Environ returns it; NO_COLOR, CLICOLOR_FORCE, TERM and COLORTERM count.
func Detect(w io.Writer, env []string, when string) (Options, error) {
	o := Options{ASCII: poor(env)}
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

// poor tells the terminals whose fonts have no part blocks.
func poor(env []string) bool {
	return slices.Contains(env, "TERM=linux") || slices.Contains(env, "TERM=dumb")
}

// standardNoColor lets any value of NO_COLOR count, as no-color.org asks;
// colorprofile wants a true boolean.
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

// Writer collects lines and hands them to the screen in one write, so that two
// timelines printed at the same time do not mix.
type Writer struct {
	to    io.Writer
	opts  Options
	lines strings.Builder
}

// NewWriter returns a writer of lines. Nothing is written before Close.
func NewWriter(w io.Writer, o Options) *Writer {
	return &Writer{to: w, opts: o}
}

// Line adds a line. Blanks at its end are left out.
func (w *Writer) Line(parts ...string) {
	w.lines.WriteString(strings.TrimRight(strings.Join(parts, ""), " "))
	w.lines.WriteByte('\n')
}

// Close writes the lines, with as many colours as the screen has.
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

// toASCII replaces every sign that we draw with by one of the same width.
var toASCII = strings.NewReplacer(
	"█", "#", "▉", "#", "▊", "#", "▋", "#", "▌", "#", "▐", "#", "▍", "|", "▎", "|", "▏", "|", "▕", "|", "┃", "|", "│", "|", "┊", ":",
	"░", ":", "─", "-", "╶", "-", "╴", "-", "╌", "-", "├", "|", "└", "`", "┤", "|", "▸", ">", "◂", "<",
	"●", "*", "•", ".", "·", ".", "…", "~", "≈", "=", "→", ">", "µ", "u", "×", "x", "■", "#", "∙", ".",
	"–", "-", "—", "-", "’", "'", "“", `"`, "”", `"`,
)
