package ctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"glasskv/trace"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// traceFlags are those of --trace. All but the first ask for it to be set.
type traceFlags struct {
	on       bool
	endpoint string
	output   string
	lang     string
	width    int
	color    string
}

const (
	outputText = "text"
	outputJSON = "json"
)

func (f *traceFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "trace", false, "show the request's timeline after its reply")
	fs.StringVar(&f.endpoint, "trace-endpoint", "", "where the server's timelines are, as http://host:port (default: where the server says)")
	fs.StringVar(&f.output, "output", outputText, "the timeline as text, or as json and nothing else")
	fs.StringVar(&f.lang, "lang", string(lang.FromEnv(os.Getenv)), "language of the timeline: en or zh")
	fs.IntVar(&f.width, "width", 0, "columns to draw for (default: the terminal's, 80 in a pipe)")
	fs.StringVar(&f.color, "color", "auto", "colours: auto, always or never")
}

// check refuses what has no effect, so that nobody waits for it in vain.
func (f *traceFlags) check() error {
	if f.output != outputText && f.output != outputJSON {
		return fmt.Errorf("--output %q: use text or json", f.output)
	}
	if f.output == outputJSON && !f.on {
		return errors.New("--output json prints the timeline: add --trace, or use --write-out json for the reply")
	}
	return nil
}

// fetchTimeout bounds the wait for the server's part of the timeline. The
// request is over by then; the part lacks little or nothing.
const fetchTimeout = 3 * time.Second

// runTraced sends the request as a client that is observed, and shows the
// timeline behind the reply, or behind nothing when the request failed: a
// failure has a timeline as well.
func (c *ctl) runTraced(ctx context.Context, cmd *cobra.Command, do call, p printer) error {
	o, err := c.trace.options(cmd)
	if err != nil {
		return err
	}
	observed, err := client.Dial(client.Options{Endpoints: c.endpoints, DialTimeout: c.dialTimeout, TraceURL: c.trace.endpoint})
	if err != nil {
		return err
	}
	defer observed.Close()
	var reply show
	seen, err := observed.Do(ctx, func(ctx context.Context) (err error) {
		reply, err = do(ctx, observed)
		return err
	})
	if err == nil && c.trace.output == outputText {
		reply(p)
		fmt.Fprintln(cmd.OutOrStdout())
	}
	failed := c.wayOut(observed.Explain(err))
	if seen != nil {
		ctx, cancel := context.WithTimeout(cmd.Context(), fetchTimeout)
		defer cancel()
		whole, err := observed.Join(ctx, seen)
		if err != nil && failed == nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "the server's part is missing: %v\n", err)
		}
		failed = errors.Join(failed, c.trace.show(cmd, whole, o))
	}
	return errors.Join(failed, p.err())
}

func (f *traceFlags) options(cmd *cobra.Command) (o timeline.Options, err error) {
	if o.Options, err = screen.Detect(cmd.OutOrStdout(), os.Environ(), f.color); err != nil {
		return o, err
	}
	if o.Lang, err = lang.Parse(f.lang); err != nil {
		return o, err
	}
	o.Width = f.width
	return o, nil
}

func (f *traceFlags) show(cmd *cobra.Command, t *trace.Timeline, o timeline.Options) error {
	if f.output == outputJSON {
		return timeline.WriteJSON(cmd.OutOrStdout(), t)
	}
	return timeline.Render(cmd.OutOrStdout(), t, o)
}
