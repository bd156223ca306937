package walk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// askTimeout bounds a question to a server, waitForThis how long a request that was
// named may still take to finish.
const (
	askTimeout  = 10 * time.Second
	waitForThis = 2 * time.Second
)

// origin is where the requests come from.
type origin struct {
	requests []*trace.Timeline // at least one
	live     *tour.Live        // nil where no more can be made
}

// find gets the requests that the options ask for. The origin has to be closed.
func (o *Options) find(ctx context.Context) (*origin, error) {
	switch {
	case o.Trace != "" && isTraceID(o.Trace):
		return o.ask(ctx)
	case o.Trace != "":
		return o.read()
	case o.Last > 0:
		return o.ask(ctx)
	}
	return o.make(ctx)
}

// make makes a request now.
func (o *Options) make(ctx context.Context) (*origin, error) {
	live, err := tour.Start(ctx, tour.LiveOptions{Endpoint: o.Endpoint, TraceURL: o.TraceEndpoint, Log: demo.FailureLog(o.Err)})
	if err != nil {
		return nil, err
	}
	t, err := live.Do(ctx, o.Request)
	if err != nil {
		return nil, errors.Join(wayOut(err), live.Close())
	}
	return &origin{[]*trace.Timeline{t}, live}, nil
}

// ask gets requests of a running server, by trace ID or the last ones.
func (o *Options) ask(ctx context.Context) (*origin, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	server := &endpoint.Client{Base: o.traceURL()}
	if o.Last > 0 {
		all, err := server.Last(ctx, o.Last)
		if err == nil && len(all) == 0 {
			err = errors.New("no request has finished yet")
		}
		slices.Reverse(all)
		return &origin{requests: all}, wayOut(err)
	}
	e, err := server.Get(ctx, o.Trace, waitForThis)
	if err != nil {
		return nil, wayOut(err)
	}
	return &origin{requests: []*trace.Timeline{e.Timeline}}, nil
}

// read gets the requests out of a file, those that began first in front, and says
// on the side what is wrong with it.
func (o *Options) read() (*origin, error) {
	file, err := o.open()
	if err != nil {
		return nil, err
	}
	for _, problem := range file.Problems {
		fmt.Fprintf(o.Err, "%s: %s\n", screen.Escape(o.Trace), screen.Escape(problem))
	}
	slices.SortStableFunc(file.Timelines, func(a, b *trace.Timeline) int { return a.Start.Compare(b.Start) })
	return &origin{requests: file.Timelines}, nil
}

func (o *Options) open() (*trace.File, error) {
	if o.Trace == "-" {
		return trace.Read(o.In)
	}
	return trace.ReadFile(o.Trace)
}

func (o *origin) close() error {
	if o == nil || o.live == nil {
		return nil
	}
	return o.live.Close()
}

// isTraceID tells a trace ID from a file's name; a file of that name is a file.
func isTraceID(s string) bool {
	const length = 32
	if len(s) != length || strings.Trim(s, "0123456789abcdef") != "" {
		return false
	}
	_, err := os.Stat(s)
	return err != nil
}

// wayOut adds to an error what can be done about it.
func wayOut(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w; start a server with `glasskv serve`, or leave out --endpoint and --last", err)
	case errors.Is(err, endpoint.ErrUnknown):
		return fmt.Errorf("%w; a server keeps its last and its slowest requests only", err)
	}
	return err
}

func (o *Options) traceURL() string { return cmp.Or(o.TraceEndpoint, defaultTraceURL) }
