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

// The limits of one step.
const (
	maxCount    = 20_000
	maxClients  = 512
	maxWatchers = 1_000
	maxOps      = 100_000
	maxSize     = 64 << 20 // bytes, of a value or a window
)

// requests returns the requests of a do, together or in-turn step.
func (s *Step) requests() []*Requests {
	switch {
	case s.Do != nil:
		return []*Requests{s.Do}
	case s.Together != nil:
		return s.Together
	}
	return s.InTurn
}

// requests checks the requests of a step, sets defaults, and defines the names of the
// results.
func (c *checker) requests(all []*Requests) {
	for _, r := range all {
		r.fill()
		if err := r.check(); err != nil {
			c.addMistake("%s %s: %w", r.Op, r.Name, err)
		}
		if c.step.InTurn != nil && (r.Count != all[0].Count || r.Clients != 1 || r.Watchers > 0) {
			c.addMistake("%s: in-turn requests must have the same count, one client and no watchers", r.Name)
		}
		sibling := func(other *Requests) bool { return other.Name == r.Until && other.Until == "" }
		if r.Until != "" && (c.step.Together == nil || !slices.ContainsFunc(all, sibling)) {
			c.addMistake("%s: until %s, which must be in the same together step and have no until", r.Name, r.Until)
		}
	}
	for _, r := range all {
		c.define(r.Name, &Result{})
	}
}

// fill sets defaults.
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
		return fmt.Errorf("at most %d ops, and %s for a value or a window", maxOps, screen.Bytes(maxSize))
	case !slices.Contains([]string{connShared, connFresh, connEach}, r.Connection):
		return fmt.Errorf("connection: use %s, %s or %s", connShared, connFresh, connEach)
	case r.Op == opCall && r.Method == "":
		return errors.New("op call needs a method")
	case r.Watchers > 0 && r.Op != opPut:
		return errors.New("watchers are possible with op put only")
	}
	return nil
}

// exchange is one request that was made.
type exchange struct {
	observation *client.Observation
	value       string // the value that a get returned
}

// workload makes the requests of one kind in a step.
type workload struct {
	*Requests
	p     *player
	route *route
	began time.Time
	ended time.Time

	mu         sync.Mutex
	exchanges  []exchange
	watchGroup *watchGroup // nil without watchers
}

// makeRequests makes the requests of a step and defines the names of their results.
func (p *player) makeRequests(ctx context.Context, s *Step) (err error) {
	rounds := make([]*workload, 0, len(s.requests()))
	defer func() {
		for _, r := range rounds {
			err = errors.Join(err, r.route.release())
		}
	}()
	for _, asked := range s.requests() {
		rt, err := p.routeFor(ctx, asked)
		if err != nil {
			return err
		}
		rounds = append(rounds, &workload{Requests: asked, p: p, route: rt})
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
		result, err := r.collect(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		p.known[r.Name] = result
	}
	return nil
}

// inTurn makes one request of each kind, then the second of each, and so on.
func (p *player) inTurn(ctx context.Context, rounds []*workload) error {
	for _, r := range rounds {
		r.began = time.Now()
	}
	for range rounds[0].Count {
		for _, r := range rounds {
			if err := r.send(ctx); err != nil {
				return err
			}
		}
	}
	for _, r := range rounds {
		r.ended = time.Now()
	}
	return nil
}

// together makes the requests of all kinds at the same time. The first error stops all.
func (p *player) together(ctx context.Context, rounds []*workload) error {
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

// run makes r.Count requests of one kind. If until is not nil, it makes requests until
// that channel is closed instead, but no more than maxCount.
func (r *workload) run(ctx context.Context, until <-chan struct{}) error {
	if err := sleep(ctx, r.After); err != nil {
		return err
	}
	if r.Watchers > 0 {
		return r.runWatched(ctx)
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
			if err := r.send(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// clients calls work in r.Clients goroutines, waits for all, and returns the first error.
func (r *workload) clients(work func() error) error {
	errs := make([]error, r.Clients)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = work() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err // the other clients fail for the same reason
		}
	}
	return nil
}

// send makes one request and records it. A failure with a code of r.Fails is not an
// error. It is safe for concurrent use.
func (r *workload) send(ctx context.Context) error {
	c, err := r.route.client()
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
	r.exchanges = append(r.exchanges, exchange{seen, value})
	return nil
}

// sleep waits for d. It returns the cause of ctx's end, if that comes first.
func sleep(ctx context.Context, d time.Duration) error {
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

// operation makes one request. If it is a read, it returns the value.
type operation func(context.Context, *client.Client, *Requests) (value string, err error)

// The names of operations that checks refer to.
const (
	opPut  = "put"
	opCall = "call"
)

// operations are the values of Requests.Op.
var operations = map[string]operation{
	opPut:   putOp,
	"get":   getOp,
	"txn":   txnOp,
	"page":  pageOp,
	"panic": panicOp,
	opCall:  callOp,
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations)) }

func (r *Requests) putRequest() *pb.PutRequest {
	value := r.Text
	if value == "" {
		value = strings.Repeat("x", int(r.Value))
	}
	return &pb.PutRequest{Key: []byte(r.Key), Value: []byte(value)}
}

// putOp writes the key.
func putOp(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	_, err := pb.NewKVClient(c).Put(ctx, r.putRequest())
	return "", err
}

// getOp reads the key. It returns "" if the key does not exist.
func getOp(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	reply, err := pb.NewKVClient(c).Range(ctx, &pb.RangeRequest{Key: []byte(r.Key), Serializable: r.Serializable})
	if err != nil || len(reply.Kvs) == 0 {
		return "", err
	}
	return string(reply.Kvs[0].Value), nil
}

// txnOp writes r.Ops keys in one transaction.
func txnOp(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	var all pb.TxnRequest
	for i := range max(r.Ops, 1) {
		put := r.putRequest()
		put.Key = fmt.Appendf(nil, "%s/%05d", r.Key, i)
		all.Success = append(all.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: put}})
	}
	_, err := pb.NewKVClient(c).Txn(ctx, &all)
	return "", err
}

// pageOp calls the practice service, which replies with r.Value bytes.
func pageOp(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Page, wrapperspb.Int64(int64(r.Value)), &wrapperspb.StringValue{})
}

// panicOp calls a handler that panics.
func panicOp(ctx context.Context, c *client.Client, _ *Requests) (string, error) {
	return "", c.Invoke(ctx, practice.Panic, &emptypb.Empty{}, &emptypb.Empty{})
}

// callOp calls r.Method, which need not exist.
func callOp(ctx context.Context, c *client.Client, r *Requests) (string, error) {
	return "", c.Invoke(ctx, r.Method, &emptypb.Empty{}, &emptypb.Empty{})
}

// watchGroup is a workload's watch streams and what they received.
type watchGroup struct {
	streams []grpc.BidiStreamingClient[pb.WatchRequest, pb.WatchResponse]

	events      int
	first, last []time.Duration // for each write: the time until the first watcher, and until the last, received its event
}

// addTo adds the watchers' figures to a result.
func (w *watchGroup) addTo(out *Result) {
	out.Events = w.events
	out.FirstEvent, out.LastEvent = float64(median(w.first)), float64(median(w.last))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// runWatched opens the watchers and makes the writes one after the other. Each waits
// until all watchers have received the previous one.
func (r *workload) runWatched(ctx context.Context) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	w := &watchGroup{}
	for range r.Watchers {
		if err := w.open(ctx, r); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	r.watchGroup, r.began = w, time.Now()
	defer func() { r.ended = time.Now() }()
	for range r.Count {
		sent := time.Now()
		received := make(chan error, 1)
		go func() { received <- w.receive(sent) }()
		if err := r.send(ctx); err != nil {
			hangUp()
			return errors.Join(err, <-received)
		}
		if err := <-received; err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	return nil
}

// open opens a watch stream and waits until the server has created its watcher.
func (w *watchGroup) open(ctx context.Context, r *workload) error {
	c, err := r.route.client()
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

// receive waits until each watcher has received the write that was sent at this time.
func (w *watchGroup) receive(sent time.Time) error {
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
