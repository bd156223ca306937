package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

const (
	keySpace   = 10_000
	valueBytes = 256
)

// operation is one request; key is one of keySpace.
type operation func(ctx context.Context, kv pb.KVClient, key []byte) error

var value = slices.Repeat([]byte("v"), valueBytes)

func put(ctx context.Context, kv pb.KVClient, key []byte) error {
	_, err := kv.Put(ctx, &pb.PutRequest{Key: key, Value: value})
	return err
}

// linearizable reads one key, linearizably.
func linearizable(ctx context.Context, kv pb.KVClient, key []byte) error {
	_, err := kv.Range(ctx, &pb.RangeRequest{Key: key})
	return err
}

// workload is a number of clients, each of which sends its next request when the
// last is answered.
type workload struct {
	name    string
	clients int
	op      operation
	on      []string // names of the targets that it is run on
	fresh   bool     // each request has a connection of its own, dialled for it
}

// turn is the result of one workload on one server.
type turn struct {
	Requests  int     `json:"requests"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Exported  float64 `json:"exported,omitempty"` // share of the requests whose spans the receiver took
}

// run sends requests to a server for the time length. If enough is not 0, it ignores
// length and stops after at least enough requests. It stops at the first error.
func (w workload) run(ctx context.Context, p *process, length time.Duration, enough int) (turn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	latencies := make([][]time.Duration, w.clients)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range w.clients {
		share := (enough + w.clients - 1) / w.clients
		wg.Go(func() {
			var err error
			if latencies[i], err = w.loop(ctx, p, i, begin.Add(length), share); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	if err := context.Cause(ctx); err != nil {
		return turn{}, fmt.Errorf("%s: %w", w.name, err)
	}
	return summarize(slices.Concat(latencies...), elapsed), nil
}

// loop makes the requests of one client, and returns their latencies. It stops at the
// time until or, if enough is not 0, after enough requests.
func (w workload) loop(ctx context.Context, p *process, id int, until time.Time, enough int) ([]time.Duration, error) {
	chance := rand.New(rand.NewPCG(uint64(id), keySpace)) //nolint:gosec // keys, not secrets
	conn := p.conns[id%len(p.conns)]
	var latencies []time.Duration
	for begin := time.Now(); ; {
		if enough == 0 && begin.After(until) || enough > 0 && len(latencies) == enough {
			return latencies, nil
		}
		key := fmt.Appendf(nil, "bench/%06d", chance.IntN(keySpace))
		err := w.request(ctx, p, conn, key)
		if err != nil {
			return nil, err
		}
		end := time.Now()
		latencies = append(latencies, end.Sub(begin))
		begin = end
	}
}

// request makes one request, over conn or, for a fresh workload, over a connection of
// its own.
func (w workload) request(ctx context.Context, p *process, conn *grpc.ClientConn, key []byte) error {
	if w.fresh {
		own, err := p.dial()
		if err != nil {
			return err
		}
		defer own.Close()
		conn = own
	}
	return w.op(ctx, pb.NewKVClient(conn), key)
}

func summarize(latencies []time.Duration, elapsed time.Duration) turn {
	slices.Sort(latencies)
	return turn{
		Requests:  len(latencies),
		PerSecond: float64(len(latencies)) / elapsed.Seconds(),
		P50:       microseconds(quantile(latencies, 0.50)),
		P99:       microseconds(quantile(latencies, 0.99)),
	}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// quantile returns the q-quantile of sorted values, or zero if there are no values.
func quantile[T any](sorted []T, q float64) T {
	if len(sorted) == 0 {
		var zero T
		return zero
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// The workloads, in the order of a round.
var (
	putAlone = workload{name: "put, 1 client", clients: 1, op: put, on: plain}
	put64    = workload{name: "put, 64 clients", clients: 64, op: put, on: append(slices.Clone(plain), earlier)}
	put256   = workload{name: "put, 256 clients", clients: 256, op: put, on: plain}
	range1   = workload{name: "range, 1 client", clients: 1, op: linearizable, on: plain}
	range64  = workload{name: "range, 64 clients", clients: 64, op: linearizable, on: plain}
	put64TLS = workload{name: "put over TLS, 64 clients", clients: 64, op: put, on: []string{traceOnTLS, etcdTLS}}
	putFresh = workload{name: "put, a new connection each, 4 clients", clients: 4, op: put, on: []string{traceOn, traceOff, realEtcd}, fresh: true}
)

// workloads returns those that -only names. The short form has only those that a
// figure depends on.
func (o *options) workloads() []workload {
	all := []workload{putAlone, put64, put256, range1, range64, put64TLS, putFresh}
	if o.short {
		all = []workload{putAlone, put64, range64, put64TLS, putFresh}
	}
	return slices.DeleteFunc(all, func(w workload) bool { return !strings.Contains(w.name, o.only) })
}

// turns holds every turn: by workload, then by target, in the order of the rounds.
type turns map[string]map[string][]turn

func (t turns) add(w workload, target string, result turn) {
	if t[w.name] == nil {
		t[w.name] = make(map[string][]turn)
	}
	t[w.name][target] = append(t[w.name][target], result)
}

// takeTurns runs all rounds.
func (b *bench) takeTurns(ctx context.Context) (turns, error) {
	all := make(turns)
	for round := range b.opts.rounds {
		progress("round %d of %d", round+1, b.opts.rounds)
		if err := b.round(ctx, round, all); err != nil {
			return nil, fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return all, nil
}

// round starts all targets anew and lets them take turns at each workload.
func (b *bench) round(ctx context.Context, round int, all turns) (err error) {
	servers, err := b.startAll(ctx)
	defer func() { err = errors.Join(err, stopAll(servers)) }()
	if err != nil {
		return err
	}
	for n, w := range b.opts.workloads() {
		for i := range servers {
			at := (i + round + n) % len(servers) // nobody is always first
			if !slices.Contains(w.on, b.targets[at].name) {
				continue
			}
			result, err := b.turn(ctx, servers, at, w)
			if err != nil {
				return fmt.Errorf("%s: %w", b.targets[at].name, err)
			}
			all.add(w, b.targets[at].name, result)
		}
	}
	return nil
}

// startAll starts every target on new data, all at once. The servers that did start
// are returned with an error too; the others are nil.
func (b *bench) startAll(ctx context.Context) ([]*process, error) {
	servers := make([]*process, len(b.targets))
	failed := make([]error, len(b.targets))
	var wg sync.WaitGroup
	for i, t := range b.targets {
		dir := b.newData()
		wg.Go(func() {
			if servers[i], failed[i] = t.start(ctx, b, dir); failed[i] != nil {
				failed[i] = fmt.Errorf("start %s: %w", t.name, failed[i])
			}
		})
	}
	wg.Wait()
	return servers, errors.Join(failed...)
}

// turn waits until all servers are idle, warms one of them up and measures it.
func (b *bench) turn(ctx context.Context, servers []*process, at int, w workload) (turn, error) {
	if err := awaitIdle(ctx, servers...); err != nil {
		return turn{}, err
	}
	share, err := servers[at].exportedShare(ctx, servers)
	if err != nil {
		return turn{}, err
	}
	if _, err := w.run(ctx, servers[at], b.opts.warm, 0); err != nil {
		return turn{}, err
	}
	result, err := w.run(ctx, servers[at], b.opts.measure, 0)
	if err != nil {
		return turn{}, err
	}
	result.Exported, err = share()
	return result, err
}

// exportedShare begins to count the records that a server finishes and exports. The
// function that it returns waits until all servers are idle and returns the exported
// share of the finished records since then, or 0 for a server that does not export.
func (p *process) exportedShare(ctx context.Context, servers []*process) (share func() (float64, error), err error) {
	if p.sink == nil {
		return func() (float64, error) { return 0, nil }, nil
	}
	before, err := p.stats(ctx)
	if err != nil {
		return nil, err
	}
	return func() (float64, error) {
		if err := awaitIdle(ctx, servers...); err != nil {
			return 0, err
		}
		after, err := p.stats(ctx)
		if err != nil {
			return 0, err
		}
		return float64(after.Exported-before.Exported) / float64(after.Finished-before.Finished), nil
	}, nil
}

func stopAll(servers []*process) error {
	var errs []error
	for _, p := range servers {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(errs...)
}
