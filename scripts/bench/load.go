package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// linearizable reads one key, as it is after everything acknowledged before.
func linearizable(ctx context.Context, kv pb.KVClient, key []byte) error {
	_, err := kv.Range(ctx, &pb.RangeRequest{Key: key})
	return err
}

// workload is a number of clients that each send the next request when the last
// one was answered.
type workload struct {
	name    string
	clients int
	op      operation
	on      []string // the targets that it is for
	fresh   bool     // each request has a connection of its own, dialled for it
}

// turn is what came of one workload on one server.
type turn struct {
	Requests  int     `json:"requests"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Exported  float64 `json:"exported,omitempty"` // share of the requests whose spans the receiver took
}

// run loads a server for a while, or until enough requests were sent when enough
// is not 0. The first error ends it.
func (w workload) run(ctx context.Context, p *process, length time.Duration, enough int) (turn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	taken := make([][]time.Duration, w.clients)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range w.clients {
		share := (enough + w.clients - 1) / w.clients
		wg.Go(func() {
			var err error
			if taken[i], err = w.loop(ctx, p, i, begin.Add(length), share); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	if err := context.Cause(ctx); err != nil {
		return turn{}, fmt.Errorf("%s: %w", w.name, err)
	}
	return summarize(slices.Concat(taken...), elapsed), nil
}

// loop is one client.
func (w workload) loop(ctx context.Context, p *process, id int, until time.Time, enough int) ([]time.Duration, error) {
	chance := rand.New(rand.NewPCG(uint64(id), keySpace)) //nolint:gosec // keys, not secrets
	conn := p.conns[id%len(p.conns)]
	var taken []time.Duration
	for begin := time.Now(); ; {
		if enough == 0 && begin.After(until) || enough > 0 && len(taken) == enough {
			return taken, nil
		}
		key := fmt.Appendf(nil, "bench/%06d", chance.IntN(keySpace))
		err := w.request(ctx, p, conn, key)
		if err != nil {
			return nil, err
		}
		end := time.Now()
		taken = append(taken, end.Sub(begin))
		begin = end
	}
}

// request is one of them, over conn or over a connection of its own.
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

func summarize(taken []time.Duration, elapsed time.Duration) turn {
	slices.Sort(taken)
	return turn{
		Requests:  len(taken),
		PerSecond: float64(len(taken)) / elapsed.Seconds(),
		P50:       microseconds(quantile(taken, 0.50)),
		P99:       microseconds(quantile(taken, 0.99)),
	}
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// quantile picks from values that are sorted; zero when there are none.
func quantile[T any](sorted []T, q float64) T {
	if len(sorted) == 0 {
		var zero T
		return zero
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
