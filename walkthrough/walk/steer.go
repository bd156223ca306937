package walk

import (
	"context"
	"errors"
	"time"

	"glasskv/server/control"
	"glasskv/walkthrough/walk/tour"
)

// steer holds requests on the server that they are made on, in this process or in
// another.
type steer struct {
	setBreak func(context.Context, control.Break) error
	// clearBreak removes a breakpoint; that there is none is no error.
	clearBreak func(ctx context.Context, stage string) error
	next       func(context.Context) (id int, err error) // waits until a request is held that was not before
	report     func(context.Context, int) (*control.Report, error)
	step       func(context.Context, int) error
	goOn       func(context.Context, int) error
	close      func()
}

// steerOf steers the server that requests are made on. Another process's has to be
// started with --control; its errors say so.
func steerOf(live *tour.Live, traceURL string) *steer {
	if own := live.Server(); own != nil {
		return steerOwn(own.Observer().Steering())
	}
	return steerOther(&control.Client{Base: traceURL})
}

func steerOwn(s control.Steering) *steer {
	// As many as can be held at once, twice: who is told must not be waited for.
	held := make(chan int, 2*control.MaxHolds)
	stop := s.Watch(func(e control.Event) {
		if e.Kind == control.Held {
			select {
			case held <- e.Hold.ID:
			default:
			}
		}
	})
	return &steer{
		setBreak:   func(_ context.Context, b control.Break) error { return s.SetBreak(b) },
		clearBreak: func(_ context.Context, stage string) error { return known(s.ClearBreak(stage)) },
		next: func(ctx context.Context) (int, error) {
			select {
			case id := <-held:
				return id, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		},
		report: func(_ context.Context, id int) (*control.Report, error) { return s.Hold(id) },
		step:   func(_ context.Context, id int) error { return s.Step(id) },
		goOn:   func(_ context.Context, id int) error { return s.Continue(id) },
		close:  stop,
	}
}

// known leaves out that something was not there.
func known(err error) error {
	if errors.Is(err, control.ErrUnknown) {
		return nil
	}
	return err
}

// askWait is how long one question waits for a hold, and how long it takes until
// the next one where the answer is not new.
const (
	askWait  = 10 * time.Second
	askPause = 100 * time.Millisecond
)

func steerOther(c *control.Client) *steer {
	last := 0 // holds are numbered in their order
	return &steer{
		setBreak: func(ctx context.Context, b control.Break) error {
			_, err := c.SetBreak(ctx, b)
			return err
		},
		clearBreak: func(ctx context.Context, stage string) error {
			_, err := c.ClearBreak(ctx, stage)
			return known(err)
		},
		next: func(ctx context.Context) (int, error) {
			for {
				state, err := c.State(ctx, askWait)
				if err != nil {
					return 0, err
				}
				for _, h := range state.Holds {
					if h.ID > last {
						last = h.ID
						return last, nil
					}
				}
				select {
				case <-time.After(askPause):
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
			}
		},
		report: c.Hold,
		step: func(ctx context.Context, id int) error {
			_, err := c.Step(ctx, id)
			return err
		},
		goOn: func(ctx context.Context, id int) error {
			_, err := c.Continue(ctx, id)
			return err
		},
		close: func() {},
	}
}
