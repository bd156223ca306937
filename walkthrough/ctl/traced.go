package ctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"glasskv/walkthrough/client"
	"glasskv/walkthrough/show"
)

// traceFlags are those of --trace. All but the first ask for it to be set.
type traceFlags struct {
	on       bool
	endpoint string
	show     *show.Flags
}

func (f *traceFlags) add(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "trace", false, "show the request's timeline behind its reply")
	fs.StringVar(&f.endpoint, "trace-endpoint", "", "where the server's timelines are, as http://host:port (default: where the server says)")
	f.show = show.New()
	f.show.AddFlags(fs)
	fs.Lookup("output").Usage = "the timeline as text for people, or as json for programs and nothing else"
}

// check refuses what has no effect, so that nobody waits for it in vain.
func (f *traceFlags) check() error {
	if f.show.JSON() && !f.on {
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
func (c *ctl) runTraced(ctx context.Context, cmd *cobra.Command, o client.Options, do call, p printer) (err error) {
	observed, err := client.Dial(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, observed.Close()) }()
	var answer reply
	seen, err := observed.Do(ctx, func(ctx context.Context) (err error) {
		answer, err = do(ctx, observed)
		return err
	})
	if err == nil && !c.trace.show.JSON() {
		answer(p)
		fmt.Fprintln(cmd.OutOrStdout())
	}
	failed := c.wayOut(observed.Explain(err))
	if seen != nil {
		failed = errors.Join(failed, c.showTimeline(cmd, observed, seen))
	}
	return errors.Join(failed, p.err())
}

// showTimeline prints the whole timeline, or the client's part where the
// server's cannot be had; then it says why on standard error.
func (c *ctl) showTimeline(cmd *cobra.Command, observed *client.Client, seen *client.Observation) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), fetchTimeout)
	defer cancel()
	whole, err := observed.Join(ctx, seen)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "only the client's part is shown: %v\n", err)
	}
	return c.trace.show.Print(cmd.OutOrStdout(), whole)
}
