package walk

import (
	"context"

	"glasskv/server/control"
	web "glasskv/walkthrough/page" // page is the text of a stop here
	"glasskv/walkthrough/walk/tour"
)

// canListen refuses an address that the page cannot have before a request is made for
// it.
func (o *Options) canListen() error {
	l, err := web.Listen(o.Listen)
	if err != nil {
		return err
	}
	return l.Close()
}

// onPage shows the walk in a browser until ctx ends: a signal ends it, which is how one
// leaves.
func (o *Options) onPage(ctx context.Context, from *origin) error {
	p := web.Options{
		Listen: o.Listen, Lang: o.Show.Lang(), Library: o.Library, Shown: from.requests, Stage: o.Stage,
	}
	if from.live != nil {
		p.Live, p.Kinds, p.Shared = from.live, tour.Requests(), o.Endpoint != ""
		p.Control = o.control(ctx, from)
	}
	return web.Serve(ctx, o.Out, p)
}

// control holds the requests of a server of our own, and those of another one if it
// was started so that it lets us; nil where it was not.
func (o *Options) control(ctx context.Context, from *origin) web.Control {
	if own := from.live.Server(); own != nil {
		return web.Steer(own.Observer().Steering())
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	c := &control.Client{Base: o.traceURL()}
	if _, err := c.State(ctx, 0); err != nil {
		return nil
	}
	return c
}
