package lesson

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"

	"glasskv/walkthrough/client"
)

// shot is one request that was made.
type shot struct {
	seen  *client.Observation
	value string // what a read returned
}

// round is the requests of one kind in a step, while they are made.
type round struct {
	*Requests
	p     *player
	way   *way
	began time.Time
	ended time.Time

	mu       sync.Mutex
	shots    []shot
	watching *watching // nil without watchers
}

// make makes the requests of a step and puts their results into the scope.
func (p *player) make(ctx context.Context, s *Step) (err error) {
	rounds := make([]*round, 0, len(s.requests()))
	defer func() {
		for _, r := range rounds {
			err = errors.Join(err, r.way.done())
		}
	}()
	for _, asked := range s.requests() {
		w, err := p.wayFor(ctx, asked)
		if err != nil {
			return err
		}
		rounds = append(rounds, &round{Requests: asked, p: p, way: w})
	}
	if s.InTurn != nil {
		err = p.inTurn(ctx, rounds)
	} else {
		err = p.together(ctx, rounds)
	}
	if err != nil {
		return err
	}
	for _, r := range rounds {
		result, err := r.result(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		p.known[r.Name] = result
	}
	return nil
}

// inTurn makes one request of each kind, then the next of each.
func (p *player) inTurn(ctx context.Context, rounds []*round) error {
	for _, r := range rounds {
		r.began = time.Now()
	}
	for range rounds[0].Count {
		for _, r := range rounds {
			if err := r.one(ctx); err != nil {
				return err
			}
		}
	}
	for _, r := range rounds {
		r.ended = time.Now()
	}
	return nil
}

// together makes all kinds at the same time. The first error ends all.
func (p *player) together(ctx context.Context, rounds []*round) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	over := make(map[string]chan struct{})
	for _, r := range rounds {
		over[r.Name] = make(chan struct{})
	}
	var all sync.WaitGroup
	for _, r := range rounds {
		all.Go(func() {
			defer close(over[r.Name])
			if err := r.run(ctx, over[r.Until]); err != nil {
				cancel(fmt.Errorf("%s: %w", r.Name, err))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// run makes the requests of one kind. Where until is not nil they are made again
// and again until it is closed.
func (r *round) run(ctx context.Context, until <-chan struct{}) error {
	if err := wait(ctx, r.After); err != nil {
		return err
	}
	if r.Watchers > 0 {
		return r.watched(ctx)
	}
	r.began = time.Now()
	defer func() { r.ended = time.Now() }()
	var made atomic.Int64
	more := func() bool {
		if until == nil {
			return made.Add(1) <= int64(r.Count)
		}
		select {
		case <-until:
			return false
		default:
			return made.Add(1) <= maxCount
		}
	}
	return r.clients(func() error {
		for more() {
			if err := r.one(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// clients runs as many goroutines as there are to be clients and returns the first
// error.
func (r *round) clients(work func() error) error {
	errs := make([]error, r.Clients)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = work() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the others fail for the same reason
		}
	}
	return nil
}

// one makes one request.
func (r *round) one(ctx context.Context) error {
	c, err := r.way.client()
	if err != nil {
		return err
	}
	var value string
	seen, err := c.Do(ctx, func(ctx context.Context) error {
		if r.Deadline > 0 {
			limited, cancel := context.WithTimeout(ctx, r.Deadline)
			defer cancel()
			ctx = limited
		}
		var err error
		value, err = operations[r.Op](ctx, c, r.Requests)
		return err
	})
	if err != nil && !slices.Contains(r.Fails, status.Code(err).String()) {
		return c.Explain(err)
	}
	if seen == nil {
		return errors.New("a request was not recorded")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shots = append(r.shots, shot{seen, value})
	return nil
}

// wait lets time pass that a step is about.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
