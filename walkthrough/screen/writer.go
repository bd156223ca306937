package screen

import (
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/colorprofile"
)

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
