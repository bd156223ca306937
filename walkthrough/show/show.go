// Package show holds the flags with which a command is told how to print, so
// that they are the same everywhere: --output, --lang, --width and --color.
package show

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// Flags say how to print. Make them with New, for the language comes from the
// locale.
type Flags struct {
	output choice
	lang   choice
	color  choice
	width  columns
}

// The values of --output.
const (
	Text = "text"
	JSON = "json"
)

// New returns the flags with their defaults.
func New() *Flags {
	return &Flags{
		output: choice{Text, []string{Text, JSON}},
		lang:   choice{string(lang.FromEnv(os.Getenv)), []string{string(lang.EN), string(lang.ZH)}},
		color:  choice{"auto", []string{"auto", "always", "never"}},
	}
}

// AddFlags declares the flags. Their values are checked when they are parsed.
func (f *Flags) AddFlags(fs *pflag.FlagSet) {
	fs.Var(&f.output, "output", "text for people, or json for programs")
	fs.Var(&f.lang, "lang", "language: en or zh; the locale's unless given")
	fs.Var(&f.width, "width", "columns to draw for (default: the terminal's, 80 in a pipe)")
	fs.Var(&f.color, "color", "colours: auto, always or never")
}

// JSON reports whether programs are to read the output.
func (f *Flags) JSON() bool { return f.output.value == JSON }

// Lang returns the reader's language.
func (f *Flags) Lang() lang.Lang { return lang.Lang(f.lang.value) }

// Screen returns what is known of the screen behind w and of its reader.
func (f *Flags) Screen(w io.Writer) screen.Options {
	o, err := screen.Detect(w, os.Environ(), f.color.value)
	if err != nil {
		panic(err) // the flag was checked
	}
	o.Lang, o.Width = f.Lang(), int(f.width)
	return o
}

// Print writes one timeline.
func (f *Flags) Print(w io.Writer, t *trace.Timeline) error {
	if f.JSON() {
		return timeline.WriteJSON(w, t)
	}
	return timeline.Render(w, t, timeline.Options{Options: f.Screen(w)})
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "string" }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		last := len(c.allowed) - 1
		return fmt.Errorf("use %s or %s", strings.Join(c.allowed[:last], ", "), c.allowed[last])
	}
	c.value = s
	return nil
}

// columns is a width; zero is that of the terminal.
type columns int

func (c *columns) String() string { return strconv.Itoa(int(*c)) }
func (c *columns) Type() string   { return "int" }

func (c *columns) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return fmt.Errorf("use a number of columns, %d to %d are drawn for", screen.MinWidth, screen.MaxWidth)
	}
	*c = columns(n)
	return nil
}

// UntilSignal runs a command so that it tidies up when it is interrupted, and also
// when nobody reads on: `glasskv demo | head` would otherwise end the process in the
// middle of a write, and leave the data of its server behind. That somebody does not
// read on is no error. An interrupted command's error says that what, such as "the
// demo", was stopped. A second signal ends the process as usual.
func UntilSignal(ctx context.Context, what string, run func(context.Context) error) error {
	// The signal of a broken pipe is taken and not looked at, for it also comes of a
	// connection whose other side is gone; what counts is whether the command's own
	// output could be written.
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	defer signal.Stop(brokenPipe)
	signalled, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	defer context.AfterFunc(signalled, restore)()
	err := run(signalled)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case err != nil && signalled.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%s was stopped: %w", what, context.Cause(signalled))
	}
	return err
}
