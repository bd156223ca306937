package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/walkthrough/client"
)

// batchSize is how many requests are made before their timelines are put
// together, so that the server's flight recorder still has them all.
const batchSize = 1000

// Who saw the whole duration of which a share is explained.
const (
	byClient = "client"
	byServer = "server"
)

// explained is how much of what a client waited the timelines of one workload
// account for.
type explained struct {
	Workload   string   `json:"workload"`
	Observer   string   `json:"observer"` // client or server
	Requests   int      `json:"requests"`
	P50        float64  `json:"explained_p50"` // half of the requests are explained at least so far
	P99        float64  `json:"explained_p99"` // 99 of 100 are
	Duration50 float64  `json:"duration_p50_us"`
	Duration99 float64  `json:"duration_p99_us"`
	Outside50  float64  `json:"outside_p50_us,omitempty"` // the caller's own clock, less the timeline's duration
	Violations int      `json:"violations"`
	Examples   []string `json:"examples,omitempty"` // of violations
}

// explainAll measures warm puts and ranges, alone and in company, and puts over
// TLS.
func (b *bench) explainAll(ctx context.Context) ([]explained, error) {
	p, err := b.glasskv(ctx, b.newData(), nil, "--trace", "on")
	if err != nil {
		return nil, err
	}
	plainly, err := b.explainOn(ctx, p, putAlone, range1, put64, range64)
	if err != nil {
		return nil, err
	}
	if p, err = b.glasskvTLS(ctx, b.newData(), "--trace", "on"); err != nil {
		return nil, err
	}
	secured, err := b.explainOn(ctx, p, put64TLS)
	return append(plainly, secured...), err
}

// explainOn measures one workload after the other on a server, and stops it.
func (b *bench) explainOn(ctx context.Context, p *process, workloads ...workload) (all []explained, err error) {
	defer func() { err = errors.Join(err, p.stop()) }()
	for _, w := range workloads {
		progress("%d explained: %s", b.opts.explain, w.name)
		one, err := b.explain(ctx, p, w)
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", w.name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (b *bench) explain(ctx context.Context, p *process, w workload) (e explained, err error) {
	var clients []*client.Client
	defer func() {
		for _, c := range clients {
			err = errors.Join(err, c.Close())
		}
	}()
	for range min(connections, w.clients) {
		c, err := client.Dial(client.Options{Endpoints: []string{p.addr}, TraceURL: p.traceURL, Creds: p.creds.Clone()})
		if err != nil {
			return e, err
		}
		clients = append(clients, c)
	}
	if _, err := w.observe(ctx, clients, w.clients*20); err != nil { // warm from here on
		return e, err
	}
	var seen []observed
	for len(seen) < b.opts.explain {
		some, err := w.observe(ctx, clients, min(batchSize, b.opts.explain-len(seen)))
		if err != nil {
			return e, err
		}
		if err := judgeAll(ctx, some); err != nil {
			return e, err
		}
		seen = append(seen, some...)
	}
	return w.explained(seen), nil
}

// observed is one request: who made it, how long that took by a clock of our
// own, and later what its timeline is worth.
type observed struct {
	by      *client.Client
	request *client.Observation
	took    time.Duration
	verdict
}

// observe makes requests as run does, and keeps what the clients saw of each.
func (w workload) observe(ctx context.Context, clients []*client.Client, requests int) ([]observed, error) {
	seen := make([][]observed, w.clients)
	failed := make([]error, w.clients)
	var wg sync.WaitGroup
	for i := range w.clients {
		wg.Go(func() {
			share := requests / w.clients
			if i < requests%w.clients {
				share++
			}
			seen[i], failed[i] = w.observeLoop(ctx, clients[i%len(clients)], uint64(i), share)
		})
	}
	wg.Wait()
	return slices.Concat(seen...), errors.Join(failed...)
}

func (w workload) observeLoop(ctx context.Context, c *client.Client, seed uint64, requests int) ([]observed, error) {
	kv := pb.NewKVClient(c)
	chance := rand.New(rand.NewPCG(seed, keySpace)) //nolint:gosec // keys, not secrets
	seen := make([]observed, 0, requests)
	for range requests {
		key := fmt.Appendf(nil, "bench/%06d", chance.IntN(keySpace))
		begin := time.Now()
		o, err := c.Do(ctx, func(ctx context.Context) error { return w.op(ctx, kv, key) })
		took := time.Since(begin)
		if err != nil {
			return nil, err
		}
		if o == nil {
			return nil, errors.New("a request was not recorded")
		}
		seen = append(seen, observed{by: c, request: o, took: took})
	}
	return seen, nil
}

// judgeAll puts the timelines together, writes each as programs read it, and
// checks that.
func judgeAll(ctx context.Context, seen []observed) error {
	if len(seen) == 0 {
		return nil
	}
	requests := make([]*client.Observation, len(seen))
	for i := range seen {
		requests[i] = seen[i].request
	}
	// Any client of a server can fetch what the server has on all of them.
	timelines, err := seen[0].by.JoinAll(ctx, requests)
	if err != nil {
		return err
	}
	for i, t := range timelines {
		line, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if seen[i].verdict, err = judge(line); err != nil {
			return err
		}
	}
	return nil
}

// explained sums up a workload.
func (w workload) explained(seen []observed) explained {
	var verdicts []verdict
	var outside []time.Duration
	for _, o := range seen {
		verdicts = append(verdicts, o.verdict)
		outside = append(outside, o.took-time.Duration(o.duration))
	}
	slices.Sort(outside)
	e := sumUp(w.name, byClient, verdicts)
	e.Outside50 = microseconds(quantile(outside, 0.50))
	return e
}

// sumUp makes one of the verdicts on many timelines.
func sumUp(workload, observer string, verdicts []verdict) explained {
	e := explained{Workload: workload, Observer: observer, Requests: len(verdicts)}
	var shares []float64
	var durations []time.Duration
	for _, v := range verdicts {
		shares = append(shares, v.explained)
		durations = append(durations, time.Duration(v.duration))
		e.Violations += len(v.violations)
		e.Examples = append(e.Examples, v.violations[:min(len(v.violations), 5-min(5, len(e.Examples)))]...)
	}
	slices.Sort(shares)
	slices.Sort(durations)
	e.P50, e.P99 = quantile(shares, 0.50), quantile(shares, 0.01)
	e.Duration50, e.Duration99 = microseconds(quantile(durations, 0.50)), microseconds(quantile(durations, 0.99))
	return e
}
