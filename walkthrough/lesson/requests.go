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

	"glasskv/trace"
	"glasskv/walkthrough/client"
)

// The bounds of what one step may ask of the machine.
const (
	maxCount    = 20_000
	maxClients  = 512
	maxWatchers = 1_000
)

// requests are those of a step, of whichever kind it is.
func (s *Step) requests() []*Requests {
	switch {
	case s.Do != nil:
		return []*Requests{s.Do}
	case s.Together != nil:
		return s.Together
	}
	return s.InTurn
}

// requests checks what is made, fills in what was left out, and makes the results
// known.
func (c *checker) requests(all []*Requests) {
	for _, r := range all {
		r.fill()
		if err := r.check(); err != nil {
			c.wrong("%s %s: %w", r.Op, r.Name, err)
		}
		if c.step.InTurn != nil && (r.Count != all[0].Count || r.Clients != 1 || r.Watchers > 0) {
			c.wrong("%s: in turn, all have the same count and one client", r.Name)
		}
		sibling := func(other *Requests) bool { return other.Name == r.Until && other.Until == "" }
		if r.Until != "" && (c.step.Together == nil || !slices.ContainsFunc(all, sibling)) {
			c.wrong("%s: until %s, which is not made at the same time", r.Name, r.Until)
		}
	}
	for _, r := range all {
		c.define(r.Name, &Result{})
	}
}

func (r *Requests) fill() {
	r.Count, r.Clients = max(r.Count, 1), max(r.Clients, 1)
	if r.Connection == "" {
		r.Connection = connShared
	}
	if r.Key == "" {
		r.Key = "lesson"
	}
	if r.Value == 0 {
		r.Value = 16
	}
}

func (r *Requests) check() error {
	switch {
	case operations[r.Op] == nil:
		return fmt.Errorf("no operation %q, use one of %v", r.Op, operationNames())
	case r.Count > maxCount || r.Clients > maxClients || r.Watchers > maxWatchers:
		return fmt.Errorf("at most %d requests, %d clients, %d watchers", maxCount, maxClients, maxWatchers)
	case !slices.Contains([]string{connShared, connFresh, connEach}, r.Connection):
		return fmt.Errorf("connection: use %s, %s or %s", connShared, connFresh, connEach)
	case r.Op == opCall && r.Method == "":
		return errors.New("method: which one is called?")
	case r.Watchers > 0 && r.Op != opPut:
		return errors.New("watchers: only of puts")
	}
	return nil
}

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
	if err != nil && status.Code(err).String() != r.Fails {
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

// result puts the server's parts to what the client saw.
func (r *round) result(ctx context.Context) (*Result, error) {
	var whole, server []*trace.Timeline
	for _, s := range r.shots {
		part, err := r.p.record(ctx, s.seen.TraceID())
		if err != nil {
			return nil, err
		}
		whole, server = append(whole, s.seen.JoinRecord(part)), append(server, part.Timeline())
	}
	if len(whole) == 0 {
		return nil, errors.New("no request was made")
	}
	out := newResult(whole)
	out.Server = newResult(server)
	out.Elapsed = float64(r.ended.Sub(r.began))
	out.Value = r.shots[len(r.shots)-1].value
	if r.watching != nil {
		r.watching.tell(out)
	}
	return out, nil
}

// record returns the server's record of a request. Those of a step are looked up
// together, for there may be thousands.
func (p *player) record(ctx context.Context, traceID string) (*trace.Record, error) {
	if r := p.records[traceID]; r != nil {
		return r, nil
	}
	r, err := p.live.Recorder().WaitFor(ctx, traceID)
	if err != nil {
		return nil, fmt.Errorf("the server's part: %w", err)
	}
	clear(p.records)
	for _, r := range p.live.Recorder().Last(maxCount) {
		p.records[r.TraceID()] = r
	}
	return r, nil
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
