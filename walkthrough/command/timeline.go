package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/otlp"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/summary"
	"glasskv/walkthrough/timeline"
)

const (
	askTimeout  = 10 * time.Second // for all that is asked of a server
	waitForThis = 2 * time.Second  // for a request named by its trace ID to finish
)

// requests returns finished requests of a running server. It is an endpoint.Client.
type requests interface {
	Last(ctx context.Context, n int) ([]*trace.Timeline, error)
	Slowest(ctx context.Context, n int) ([]*trace.Timeline, error)
	Get(ctx context.Context, traceID string, wait time.Duration) (*endpoint.Envelope, error)
}

// TimelineOptions are the options of `glasskv timeline`.
type TimelineOptions struct {
	Target   string        // a trace ID, a file, "-" for In, or "" for a server's requests
	Endpoint string        // URL of the server's trace endpoint
	Last     int           // how many of the last requests; 0 if not given
	Slowest  int           // how many of the slowest requests; 0 if not given
	Summary  bool          // a table of all stages instead of each request
	Fold     time.Duration // stages shorter than this are left out
	Show     *show.Flags
	In       io.Reader // the standard input
	Err      io.Writer // gets the problems of a file
}

// NewTimelineCommand returns `glasskv timeline`.
func NewTimelineCommand() *cobra.Command {
	o := TimelineOptions{Show: show.New()}
	cmd := prepare(&cobra.Command{
		Use:   "timeline [TRACE_ID | FILE | -]",
		Short: "Show requests of a running server, or of a file",
		Long: "Show the timeline of a running server's last request, of its slowest requests, or of the request\n" +
			"with a trace ID. Or show every request in a file of spans (OTLP/JSON or stdouttrace's JSON),\n" +
			"whichever program wrote it.",
		Example: "  glasskv timeline\n  glasskv timeline --slowest 3\n  glasskv timeline traces.json --summary",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("timeline takes one trace ID or one file")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.Target = args[0]
			}
			if fs := cmd.Flags(); fs.Changed("last") && o.Last == 0 || fs.Changed("slowest") && o.Slowest == 0 {
				return errCount
			}
			o.In, o.Err = cmd.InOrStdin(), cmd.ErrOrStderr()
			return Timeline(cmd.Context(), cmd.OutOrStdout(), o)
		},
	})
	fs := cmd.Flags()
	fs.IntVar(&o.Last, "last", 0, "show the last N requests (default 1, or all of a file)")
	fs.IntVar(&o.Slowest, "slowest", 0, "show the N slowest requests")
	fs.StringVar(&o.Endpoint, "endpoint", endpoint.DefaultTraceURL, "the server's trace endpoint, its --listen-trace-url")
	fs.BoolVar(&o.Summary, "summary", false, "show a table of every stage's percentiles over these requests")
	fs.DurationVar(&o.Fold, "fold", 0, "leave out stages shorter than this")
	o.Show.AddFlags(fs)
	return cmd
}

// Timeline writes the timelines that the options ask for. It gives up on a server after
// ten seconds.
func Timeline(ctx context.Context, w io.Writer, o TimelineOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	timelines, err := o.collect(ctx)
	if err != nil {
		return err
	}
	return o.print(w, timelines)
}

var errCount = errors.New("--last and --slowest take a number above zero")

func (o *TimelineOptions) check() error {
	switch {
	case o.Last < 0 || o.Slowest < 0:
		return errCount
	case o.Last > 0 && o.Slowest > 0:
		return errors.New("--last and --slowest exclude each other")
	case IsTraceID(o.Target) && o.Last+o.Slowest > 0:
		return errors.New("a trace ID names one request; leave out --last and --slowest")
	}
	return nil
}

// IsTraceID reports whether a text is a trace ID and not the name of a file that exists.
func IsTraceID(s string) bool {
	const idLen = 32
	if len(s) != idLen || strings.Trim(s, "0123456789abcdef") != "" {
		return false
	}
	_, err := os.Stat(s)
	return err != nil
}

func (o *TimelineOptions) collect(ctx context.Context) ([]*trace.Timeline, error) {
	switch {
	case IsTraceID(o.Target):
		return o.ask(ctx, &endpoint.Client{Base: o.Endpoint})
	case o.Target != "":
		return o.read()
	}
	return o.ask(ctx, &endpoint.Client{Base: o.Endpoint})
}

// ask returns requests of a server: the last ones with the oldest first,
// the slowest ones with the slowest first.
func (o *TimelineOptions) ask(ctx context.Context, server requests) (out []*trace.Timeline, err error) {
	switch {
	case o.Target != "":
		var e *endpoint.Envelope
		if e, err = server.Get(ctx, o.Target, waitForThis); err == nil {
			out = []*trace.Timeline{e.Timeline}
		}
	case o.Slowest > 0:
		out, err = server.Slowest(ctx, o.Slowest)
	default:
		out, err = server.Last(ctx, max(1, o.Last))
		slices.Reverse(out)
	}
	return out, WayOut(err, "--endpoint")
}

// WayOut adds to an error of endpoint.Client what can be done about it. The flag is the
// caller's for the server's trace endpoint. If err is nil, it returns nil.
func WayOut(err error, flag string) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; start a server with `glasskv serve`, or name its trace endpoint with %s", err, flag)
	case errors.Is(err, endpoint.ErrUnknown):
		return fmt.Errorf("%w; a server keeps its last and its slowest requests only", err)
	}
	return err
}

// read returns requests of a file. It writes the file's problems to o.Err.
func (o *TimelineOptions) read() ([]*trace.Timeline, error) {
	file, err := o.open()
	if err != nil {
		return nil, err
	}
	for _, problem := range file.Problems {
		if _, err := fmt.Fprintf(o.Err, "%s: %s\n", screen.Escape(o.Target), screen.Escape(problem)); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
	}
	return o.choose(file.Timelines), nil
}

func (o *TimelineOptions) open() (*otlp.File, error) {
	if o.Target == "-" {
		return otlp.Read(o.In)
	}
	return otlp.ReadFile(o.Target)
}

// choose returns the last or the slowest of a file's requests, or all if neither was
// asked for.
func (o *TimelineOptions) choose(all []*trace.Timeline) []*trace.Timeline {
	switch {
	case o.Last > 0:
		return all[max(0, len(all)-o.Last):]
	case o.Slowest > 0:
		slowest := slices.Clone(all)
		slices.SortStableFunc(slowest, func(a, b *trace.Timeline) int { return cmp.Compare(b.DurationNS, a.DurationNS) })
		return slowest[:min(o.Slowest, len(slowest))]
	}
	return all
}

// print writes the requests, or their summary.
func (o *TimelineOptions) print(w io.Writer, timelines []*trace.Timeline) error {
	switch {
	case o.Show.JSON() && o.Summary:
		return summary.WriteJSON(w, summary.Summarize(timelines))
	case o.Show.JSON():
		for _, t := range timelines {
			if err := timeline.WriteJSON(w, t); err != nil {
				return err
			}
		}
		return nil
	case len(timelines) == 0:
		return o.line(w, screen.Plain, o.Show.Lang().Pick("No request has finished yet.", "还没有请求结束。"))
	case o.Summary:
		return summary.Table(w, summary.Summarize(timelines), o.Show.Screen(w))
	}
	return o.draw(w, timelines)
}

// draw writes each request as a timeline, with a rule between two of them.
func (o *TimelineOptions) draw(w io.Writer, timelines []*trace.Timeline) error {
	opts := timeline.Options{Options: o.Show.Screen(w), Fold: o.Fold}
	for i, t := range timelines {
		if i > 0 {
			rule := "\n" + strings.Repeat("─", opts.Columns(w)) + "\n"
			if err := o.line(w, screen.Dim, rule); err != nil {
				return err
			}
		}
		if err := timeline.Render(w, t, opts); err != nil {
			return err
		}
	}
	return nil
}

func (o *TimelineOptions) line(w io.Writer, role screen.Role, text string) error {
	out := screen.NewWriter(w, o.Show.Screen(w))
	for line := range strings.SplitSeq(text, "\n") {
		out.Line(role.Paint(line))
	}
	return out.Close()
}
