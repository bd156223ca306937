package lesson

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/screen"
)

// The bounds of what one step may ask of the machine.
const (
	maxCount    = 20_000
	maxClients  = 512
	maxWatchers = 1_000
	maxOps      = 100_000
	maxSize     = 64 << 20 // of a value, and of a window
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
	case r.Ops > maxOps || max(r.Value, r.Window) > maxSize || r.Value < 0 || r.Window < 0:
		return fmt.Errorf("at most %d ops, and %s of a value or a window", maxOps, screen.Bytes(maxSize))
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

// operation makes one request and returns what it read, if it reads.
type operation func(context.Context, *client.Client, *Requests) (value string, err error)

// The operations that are named elsewhere.
const (
	opPut  = "put"
	opCall = "call"
)

// operations are what a request can be.
var operations = map[string]operation{
	opPut:   put,
	"get":   get,
	"txn":   txn,
	"page":  page,
	"panic": panics,
	opCall:  call,
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations)) }

func (r *Requests) put() *pb.PutRequest {
	value := r.Text
	if value == "" {
		value = strings.Repeat("x", int(r.Value))
	}
	return &pb.PutRequest{Key: []byte(r.Key), Value: []byte(value)}
}

// put writes the key.
func put(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	_, err := pb.NewKVClient(c).Put(ctx, r.put())
	return "", err
}

// get reads the key. What it returns tells whether the key was there.
func get(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	reply, err := pb.NewKVClient(c).Range(ctx, &pb.RangeRequest{Key: []byte(r.Key), Serializable: r.Serializable})
	if err != nil || len(reply.Kvs) == 0 {
		return "", err
	}
	return string(reply.Kvs[0].Value), nil
}

// txn writes as many keys as it is told to, in one transaction.
func txn(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	var all pb.TxnRequest
	for i := range max(r.Ops, 1) {
		one := r.put()
		one.Key = fmt.Appendf(nil, "%s/%05d", r.Key, i)
		all.Success = append(all.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: one}})
	}
	_, err := pb.NewKVClient(c).Txn(ctx, &all)
	return "", err
}

// page has the service for practice reply with so many bytes.
func page(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Page, wrapperspb.Int64(int64(r.Value)), &wrapperspb.StringValue{})
}

// panics calls a handler that panics.
func panics(ctx context.Context, c *client.Client, _ *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Panic, &emptypb.Empty{}, &emptypb.Empty{})
}

// call calls a method by a name that need not exist.
func call(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, r.Method, &emptypb.Empty{}, &emptypb.Empty{})
}

// watching is what the watchers of a round were told.
type watching struct {
	streams []grpc.BidiStreamingClient[pb.WatchRequest, pb.WatchResponse]

	events      int
	first, last []time.Duration // of each write: from sending it to the first and the last watcher's news
}

// tell puts it into the round's result.
func (w *watching) tell(out *Result) {
	out.Events = w.events
	out.FirstEvent, out.LastEvent = float64(median(w.first)), float64(median(w.last))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// watched opens the watchers, then writes one after the other; each write waits
// until all watchers know of the one before.
func (r *round) watched(ctx context.Context) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	w := &watching{}
	for range r.Watchers {
		if err := w.open(ctx, r); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	r.watching, r.began = w, time.Now()
	defer func() { r.ended = time.Now() }()
	for range r.Count {
		sent := time.Now()
		news := make(chan error, 1)
		go func() { news <- w.hear(sent) }()
		if err := r.one(ctx); err != nil {
			hangUp()
			return errors.Join(err, <-news)
		}
		if err := <-news; err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	return nil
}

// open opens a watch stream and waits until the server has its watcher.
func (w *watching) open(ctx context.Context, r *round) error {
	c, err := r.way.client()
	if err != nil {
		return err
	}
	stream, err := pb.NewWatchClient(c).Watch(ctx)
	if err != nil {
		return err
	}
	create := &pb.WatchCreateRequest{Key: []byte(r.Key)}
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	w.streams = append(w.streams, stream)
	return nil
}

// hear waits until every watcher was told of one write.
func (w *watching) hear(sent time.Time) error {
	after, errs := make([]time.Duration, len(w.streams)), make([]error, len(w.streams))
	events := make([]int, len(w.streams))
	var all sync.WaitGroup
	for i, stream := range w.streams {
		all.Go(func() {
			reply, err := stream.Recv()
			after[i], errs[i], events[i] = time.Since(sent), err, len(reply.GetEvents())
		})
	}
	all.Wait()
	w.first, w.last = append(w.first, slices.Min(after)), append(w.last, slices.Max(after))
	for _, n := range events {
		w.events += n
	}
	return errors.Join(errs...)
}
