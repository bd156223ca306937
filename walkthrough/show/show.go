// Package show holds what the printing commands share: the flags --output, --lang,
// --width and --color, and the handling of signals.
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
	"syscall"

	"github.com/spf13/pflag"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// Flags say how to print. Make them with New, which takes the language from the
// locale.
type Flags struct {
	output choice
	lang   choice
	color  choice
	width  columns
}

// The values of --output.
const (
	textOutput = "text"
	jsonOutput = "json"
)

// New returns the flags with their defaults: text, the locale's language, and the
// width and colours of the terminal.
func New() *Flags {
	return &Flags{
		output: choice{textOutput, []string{textOutput, jsonOutput}},
		lang:   choice{string(lang.FromEnv(os.Getenv)), lang.Names()},
		color:  choice{"auto", []string{"auto", "always", "never"}},
	}
}

// AddFlags declares the flags in fs. A wrong value is an error of fs.Parse.
func (f *Flags) AddFlags(fs *pflag.FlagSet) {
	fs.Var(&f.output, "output", "text for people, or json for programs")
	fs.Var(&f.lang, "lang", "language: "+lang.Or(lang.Names())+"; the locale's unless given")
	fs.Var(&f.width, "width", "columns to draw for (default: the terminal's, 80 in a pipe)")
	fs.Var(&f.color, "color", "colours: auto, always or never")
}

// JSON reports whether the output is JSON, for programs.
func (f *Flags) JSON() bool { return f.output.value == jsonOutput }

// Lang returns the reader's language.
func (f *Flags) Lang() lang.Lang { return lang.Lang(f.lang.value) }

// Screen returns the options for printing to w: what w can show, and what the flags
// say.
func (f *Flags) Screen(w io.Writer) screen.Options {
	o, err := screen.Detect(w, os.Environ(), f.color.value)
	if err != nil {
		panic(err) // unreachable: Set accepts only values that Detect knows
	}
	o.Lang, o.Width = f.Lang(), int(f.width)
	return o
}

// Print writes one timeline to w, as a waterfall or as JSON.
func (f *Flags) Print(w io.Writer, t *trace.Timeline) error {
	if f.JSON() {
		return timeline.WriteJSON(w, t)
	}
	return timeline.Render(w, t, timeline.Options{Options: f.Screen(w)})
}

// choice is the value of a flag that allows only certain words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "string" }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("use %s", lang.Or(c.allowed))
	}
	c.value = s
	return nil
}

// columns is a width; 0 means the terminal's width.
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

// UntilSignal calls run with a context that the first SIGINT, SIGTERM or SIGHUP
// cancels, so that run can clean up. The error of an interrupted run says that what
// (such as "the demo") was stopped. A second signal ends the process as usual.
//
// UntilSignal also lets run clean up when its output is closed: in `glasskv demo |
// head`, SIGPIPE would otherwise end the process in the middle of a write and leave
// the server's data behind. If run returns EPIPE, UntilSignal returns nil.
func UntilSignal(ctx context.Context, what string, run func(context.Context) error) error {
	// SIGPIPE is caught and ignored, because a broken network connection raises it,
	// too. The error of the write to the command's own output decides.
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
