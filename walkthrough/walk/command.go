// Package walk has the command `glasskv walk`. It leads through a real request stage by
// stage, and shows the chapter about each stage and the source that did the work, in
// the version that ran.
//
//	command.go  the command, and which of the views it shows
//	origin.go   where the requests come from: made now, of a running server, of a file
//
//	print.go    text from top to bottom, and JSON
//	model.go    the program on a terminal: where the reader is, what a message changes
//	keys.go     the keys, each with its help
//	view.go     how the screen is drawn
//	layout.go   the chapter and the source as lines
//	picker.go   lists to choose from: requests, stops, jumps
//	held.go     a request held where a stage begins
//
// Package tour makes what all views show. Package prose renders Markdown. The view in a
// browser is package page.
package walk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/page"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

// NewCommand returns `glasskv walk`.
func NewCommand() *cobra.Command {
	o := options{Show: show.New()}
	cmd := &cobra.Command{
		Use:   "walk [STAGE]",
		Short: "Walk through a request stage by stage: what happens, and the source that does it",
		Long: "Make a request and walk through it stage by stage. Each stop shows the stage's chapter and the\n" +
			"source of grpc-go, raft or etcd that did the work, from this machine's module cache, in the\n" +
			"version that ran. The request is made on a server started for it, or with --endpoint on a running\n" +
			"one. Instead, the walk can show earlier requests: from a file (--trace FILE), or from a running\n" +
			"server (--last N, --trace TRACE_ID).\n\n" +
			"On a terminal, keys move through the walk; ? lists them. Into a pipe, and with --plain, the walk\n" +
			"is text from top to bottom. STAGE is the stage to begin at; `glasskv stages` lists them.",
		Example: "  glasskv walk\n  glasskv walk wal.sync --lang zh\n  glasskv walk --request get --plain | less\n  glasskv walk --web\n  glasskv walk --trace traces.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("walk begins at one stage; `glasskv stages` lists them")
			}
			return nil
		},
		ValidArgsFunction: completeStage,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				stage, known := stages.ByName(args[0])
				if !known {
					return unknownStage(args[0])
				}
				o.Stage = stage
			}
			if err := o.check(); err != nil {
				return err
			}
			o.In, o.Out, o.Err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return untilSignal(cmd.Context(), o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (o *options) addFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.BoolVar(&o.Plain, "plain", false, "print text from top to bottom, for pipes and screen readers")
	fs.BoolVar(&o.Web, "web", false, "serve a page for a browser: waterfall, chapter and source side by side")
	fs.StringVar(&o.Listen, "listen", "", "with --web: the address to serve the page at, as 127.0.0.1:port (default: a free port)")
	fs.StringVar(&o.Request, "request", tour.Names()[0], "the request to make: "+strings.Join(tour.Names(), ", "))
	fs.StringVar(&o.Endpoint, "endpoint", "", "make the request on this running server, host:port (default: start one)")
	fs.StringVar(&o.Trace, "trace", "", "show requests from a file of spans (OTLP/JSON or stdouttrace's), or from standard input (-), or the one with this trace ID")
	fs.IntVar(&o.Last, "last", 0, "show the last N requests of a running server")
	fs.StringVar(&o.TraceEndpoint, "trace-endpoint", "", "where the server's timelines are, as http://host:port (default: where the server says, or "+defaultTraceURL+")")
	o.Show.AddFlags(fs)
	_ = cmd.RegisterFlagCompletionFunc("request", cobra.FixedCompletions(tour.Names(), cobra.ShellCompDirectiveNoFileComp))
}

// check refuses options that contradict each other.
func (o *options) check() error {
	switch {
	case !slices.Contains(tour.Names(), o.Request):
		return fmt.Errorf("no request %q, use one of %s", o.Request, strings.Join(tour.Names(), ", "))
	case o.Web && (o.Plain || o.Show.JSON()):
		return errors.New("--web is a page; leave out --plain and --output json")
	case o.Listen != "" && !o.Web:
		return errors.New("--listen is for the page; add --web")
	case o.Last < 0:
		return errors.New("--last takes a number above zero")
	case o.Last > 0 && o.Trace != "":
		return errors.New("--last and --trace exclude each other")
	case o.Endpoint != "" && (o.Last > 0 || o.Trace != ""):
		return errors.New("--endpoint is where a request is made; --trace and --last show an earlier one, --trace-endpoint says of which server")
	}
	return nil
}

// completeStage completes the names of stages.
func completeStage(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var names []cobra.Completion
	for _, spec := range stages.Specs() {
		if len(args) == 0 && strings.HasPrefix(spec.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(spec.Name, chapter.TextOf(spec.Stage, lang.EN).Note))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// unknownStage returns the error for a name that no stage has. It suggests similar names.
func unknownStage(name string) error {
	near := slices.DeleteFunc(guide.Nearest(name), func(n string) bool {
		_, known := stages.ByName(n)
		return !known
	})
	if len(near) == 0 {
		return fmt.Errorf("no stage is called %q; `glasskv stages` lists them", name)
	}
	return fmt.Errorf("no stage is called %q; did you mean %s?", name, strings.Join(near, " or "))
}

const defaultTraceURL = endpoint.DefaultTraceURL

// options say which requests the walk leads through, and how it is shown.
type options struct {
	Stage         stages.Stage // the stage to begin at; None: the first stop
	Plain         bool         // print text from top to bottom, also on a terminal
	Web           bool         // serve a page for a browser
	Listen        string       // the page's address, on the loopback interface; empty: a free port
	Trace         string       // a file of spans, "-" for the standard input, or a trace ID
	Last          int          // how many of the last requests of a running server; 0: none
	Request       string       // the request to make; one of tour.Names
	Endpoint      string       // the server to send the request to; empty: a server in this process
	TraceEndpoint string       // the URL of a server's timelines; empty: the URL that the server names, or the default
	Show          *show.Flags
	Library       *source.Library // nil: the versions in this binary
	Book          tour.Book       // nil: the chapters of this binary
	In            io.Reader
	Out, Err      io.Writer
}

// untilSignal calls walk, and ends its context at a signal.
func untilSignal(ctx context.Context, o options) error {
	return show.UntilSignal(ctx, "the walk", func(ctx context.Context) error { return walk(ctx, o) })
}

// walk finds the requests and shows them: on a terminal as an interactive program,
// elsewhere as text or JSON, or as a page for a browser. It returns when the reader
// leaves, or when ctx ends.
func walk(ctx context.Context, o options) (err error) {
	if o.Library == nil {
		o.Library = source.NewLibrary()
	}
	if o.Book == nil {
		o.Book = chapter.Of
	}
	interactive := !o.Plain && !o.Web && !o.Show.JSON() && isTerminal(o.Out)
	if interactive {
		// A server in this process would write its messages across the screen.
		var messages bytes.Buffer
		stderr := o.Err
		o.Err = &messages
		defer func() {
			_, werr := messages.WriteTo(stderr)
			err = errors.Join(err, werr)
		}()
	}
	if o.Web { // find may take long: a wrong address is to be refused before
		if err := o.canListen(); err != nil {
			return err
		}
	}
	from, err := o.find(ctx)
	defer func() { err = errors.Join(err, from.close()) }()
	if err != nil {
		return err
	}
	switch {
	case o.Web:
		return o.onPage(ctx, from)
	case o.Show.JSON():
		return o.writeTours(from, writeJSON)
	case !interactive:
		return o.writeTours(from, writePlain)
	}
	m := newModel(ctx, &o, from.requests)
	if from.live != nil {
		m.makeRequest = func(ctx context.Context) (*trace.Timeline, error) { return from.live.Do(ctx, o.Request) }
		m.control = controller(from.live, o.traceURL())
	}
	return errors.Join(onTerminal(ctx, m, &o), m.releaseHeld())
}

// writeTours writes every request that was found.
func (o *options) writeTours(from *origin, write func(io.Writer, *tour.Tour, *options) error) error {
	for _, t := range from.requests {
		if err := write(o.Out, tour.NewWithBook(t, o.Library, o.Book), o); err != nil {
			return err
		}
	}
	return nil
}

// stops returns the stops to be written: those from o.Stage on, or that stage alone if
// the request did not pass it. First is the index of the first one, or -1.
func (o *options) stops(t *tour.Tour) (first int, all []tour.Stop) {
	if o.Stage == stages.None {
		return 0, t.Stops
	}
	if i := t.Index(o.Stage); i >= 0 {
		return i, t.Stops[i:]
	}
	return -1, []tour.Stop{t.Beyond(o.Stage)}
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(term.File)
	return ok && term.IsTerminal(f.Fd())
}

// framesPerSecond is how often the screen is drawn at most. bubbletea draws a change at
// the next frame, so a key waits half a frame on average.
const framesPerSecond = 120

// onTerminal shows the walk until the reader leaves. It always restores the terminal:
// bubbletea does so even after a panic, and a signal ends the program as the key q does.
func onTerminal(ctx context.Context, m *model, o *options) error {
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	p := tea.NewProgram(m,
		tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithColorProfile(o.Show.Screen(o.Out).Profile),
		tea.WithFPS(framesPerSecond),
		tea.WithoutSignalHandler(),
	)
	stop := context.AfterFunc(ctx, p.Quit)
	defer stop()
	_, err := p.Run()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.Join(fmt.Errorf("the walk was stopped: %w", context.Cause(ctx)), err)
	case err != nil:
		return fmt.Errorf("the terminal: %w", err)
	case ctx.Err() != nil:
		return fmt.Errorf("the walk was stopped: %w", context.Cause(ctx))
	}
	return nil
}

// canListen returns an error if the page cannot be served at o.Listen.
func (o *options) canListen() error {
	l, err := page.Listen(o.Listen)
	if err != nil {
		return err
	}
	return l.Close()
}

// onPage serves the page until ctx ends, which is not an error: a signal is how the
// reader leaves.
func (o *options) onPage(ctx context.Context, from *origin) error {
	p := page.Options{
		Listen: o.Listen, Lang: o.Show.Lang(), Library: o.Library, Shown: from.requests, Stage: o.Stage,
	}
	if from.live != nil {
		p.Live, p.Kinds, p.Shared = from.live, tour.Requests(), o.Endpoint != ""
		c := controller(from.live, o.traceURL())
		asking, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		if _, err := c.State(asking, 0); err == nil { // otherwise the server was started without --control
			p.Control = c
		}
	}
	return page.Serve(ctx, o.Out, p)
}

// controller returns the Controller of the server that live makes requests on. A server
// in another process must have been started with --control; the errors say so.
func controller(live *tour.Live, traceURL string) control.Controller {
	if own := live.Server(); own != nil {
		return control.Local(own.Observer().Steering())
	}
	return &control.Client{Base: traceURL}
}
