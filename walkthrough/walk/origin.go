package walk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/otlp"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/command"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

const (
	askTimeout = 10 * time.Second // how long a call of a server may take
	traceWait  = 2 * time.Second  // how long the server is asked to wait for the request --trace to finish
)

// origin has the requests to walk through.
type origin struct {
	requests []*trace.Timeline // at least one
	live     *tour.Live        // makes more requests; nil if that is not possible
}

// find returns the requests that the options ask for. The caller must close the origin.
func (o *options) find(ctx context.Context) (*origin, error) {
	switch {
	case command.IsTraceID(o.Trace):
		return o.fetch(ctx)
	case o.Trace != "":
		return o.read()
	case o.Last > 0:
		return o.fetch(ctx)
	}
	return o.make(ctx)
}

// make makes a request.
func (o *options) make(ctx context.Context) (*origin, error) {
	live, err := tour.Start(ctx, tour.LiveOptions{Endpoint: o.Endpoint, TraceURL: o.TraceEndpoint, Log: demo.FailureLog(o.Err)})
	if err != nil {
		return nil, err
	}
	t, err := live.Do(ctx, o.Request)
	if err != nil {
		if _, unreachable := errors.AsType[*client.UnreachableError](err); unreachable {
			err = fmt.Errorf("%w; start a server with `glasskv serve`, or leave out --endpoint", err)
		} else {
			err = command.WayOut(err, "--trace-endpoint")
		}
		return nil, errors.Join(err, live.Close())
	}
	return &origin{[]*trace.Timeline{t}, live}, nil
}

// fetch gets requests from a running server, by trace ID or the last ones.
func (o *options) fetch(ctx context.Context) (*origin, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	server := &endpoint.Client{Base: o.traceURL()}
	if o.Last > 0 {
		all, err := server.Last(ctx, o.Last)
		if err == nil && len(all) == 0 {
			err = errors.New("no request has finished yet")
		}
		slices.Reverse(all)
		return &origin{requests: all}, command.WayOut(err, "--trace-endpoint")
	}
	e, err := server.Get(ctx, o.Trace, traceWait)
	if err != nil {
		return nil, command.WayOut(err, "--trace-endpoint")
	}
	return &origin{requests: []*trace.Timeline{e.Timeline}}, nil
}

// read reads the requests of a file, sorted by their start. It writes the file's
// problems to o.Err.
func (o *options) read() (*origin, error) {
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

func (o *options) open() (*otlp.File, error) {
	if o.Trace == "-" {
		return otlp.Read(o.In)
	}
	return otlp.ReadFile(o.Trace)
}

func (o *origin) close() error {
	if o == nil || o.live == nil {
		return nil
	}
	return o.live.Close()
}

func (o *options) traceURL() string { return cmp.Or(o.TraceEndpoint, defaultTraceURL) }
