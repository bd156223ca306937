package walk

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	web "glasskv/walkthrough/page" // page is the text of a stop here
	"glasskv/walkthrough/walk/tour"
)

// onPage shows the walk in a browser until a signal ends it, which is how one leaves.
func (o *Options) onPage(ctx context.Context, from *origin) error {
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	p := web.Options{
		Listen: o.Listen, Lang: o.Show.Lang(), Library: o.Library, Shown: from.requests, Stage: o.Stage,
	}
	if from.live != nil {
		p.Live, p.Kinds, p.Shared = from.live, tour.Requests(), o.Endpoint != ""
	}
	return web.Serve(ctx, o.Out, p)
}
