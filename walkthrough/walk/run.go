package walk

import (
	"bytes"
	"context"
	"errors"
	"io"

	servercommand "glasskv/server/command"
	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

const defaultTraceURL = servercommand.DefaultTraceURL

// Options say through which request one walks, and how it is shown.
type Options struct {
	Stage         trace.Stage // where to begin; None: at the first stop
	Plain         bool        // text from top to bottom, also on a terminal
	Web           bool        // a page in a browser
	Listen        string      // where the page is served, on the loopback interface; empty: a free port
	Trace         string      // a file of spans, "-" for the standard input, or a trace ID
	Last          int         // the last requests of a running server; 0: not asked for
	Request       string      // which request to make; one of tour.Names
	Endpoint      string      // the server to make it on; empty: one of our own
	TraceEndpoint string      // where a server's timelines are; empty: where it says, or the default
	Show          *show.Flags
	Library       *source.Library // nil: that of this binary
	Book          tour.Book       // nil: the chapters of this binary
	In            io.Reader
	Out, Err      io.Writer
}

// Walk finds the request and shows it: on a terminal as a program in which one
// moves about, elsewhere as text, or as JSON. A signal ends it.
func Walk(ctx context.Context, o Options) error {
	return show.UntilSignal(ctx, "the walk", func(ctx context.Context) error { return walk(ctx, o) })
}

func walk(ctx context.Context, o Options) (err error) {
	if o.Library == nil {
		o.Library = source.NewLibrary()
	}
	if o.Book == nil {
		o.Book = chapter.Of
	}
	interactive := !o.Plain && !o.Web && !o.Show.JSON() && isTerminal(o.Out)
	if interactive {
		// What a server of our own says would be written across the screen.
		var said bytes.Buffer
		stderr := o.Err
		o.Err = &said
		defer func() {
			_, werr := said.WriteTo(stderr)
			err = errors.Join(err, werr)
		}()
	}
	if o.Web {
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
		return o.eachTour(from, writeJSON)
	case !interactive:
		return o.eachTour(from, writePlain)
	}
	m := newModel(ctx, &o, from.requests)
	if from.live != nil {
		m.again = func(ctx context.Context) (*trace.Timeline, error) { return from.live.Do(ctx, o.Request) }
		m.steer = steerOf(from.live, o.traceURL())
		defer m.steer.close()
	}
	return errors.Join(onTerminal(ctx, m, &o), m.letGo())
}

// eachTour writes every request that was found, one after the other.
func (o *Options) eachTour(from *origin, write func(io.Writer, *tour.Tour, *Options) error) error {
	for _, t := range from.requests {
		if err := write(o.Out, tour.NewWithBook(t, o.Library, o.Book), o); err != nil {
			return err
		}
	}
	return nil
}

// stops are those to be written: from the stage on at which one begins, or that
// stage alone where the request did not pass it.
func (o *Options) stops(t *tour.Tour) (first int, all []tour.Stop) {
	if o.Stage == trace.None {
		return 0, t.Stops
	}
	if i := t.Index(o.Stage); i >= 0 {
		return i, t.Stops[i:]
	}
	return -1, []tour.Stop{t.Beyond(o.Stage)}
}
