package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/walkthrough/client"
)

// batchSize is how many requests are made before their timelines are fetched: few
// enough that the server's flight recorder still has them all.
const batchSize = 1000

// The values of explained.Observer: who measured the duration.
const (
	byClient = "client"
	byServer = "server"
)

// explained is the result of one workload: the share of a request's duration that its
// timeline explains, from 0 to 1, as quantiles over all requests.
type explained struct {
	Workload   string   `json:"workload"`
	Observer   string   `json:"observer"` // byClient or byServer
	Requests   int      `json:"requests"`
	P50        float64  `json:"explained_p50"` // half of the requests have at least this share
	P99        float64  `json:"explained_p99"` // 99 in 100 requests have at least this share
	Duration50 float64  `json:"duration_p50_us"`
	Duration99 float64  `json:"duration_p99_us"`
	Outside50  float64  `json:"outside_p50_us,omitempty"` // by how much the caller's duration is longer than the timeline's
	Violations int      `json:"violations"`
	Examples   []string `json:"examples,omitempty"` // some of the violations
}

// explainAll measures puts and ranges on warm connections, from a single client and from
// many, and puts over TLS.
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
		result, err := b.explain(ctx, p, w)
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", w.name, err)
		}
		all = append(all, result)
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

// observed is one request: the client that made it, its duration by our own clock, and
// the verdict on its timeline once judgeAll has fetched it.
type observed struct {
	by      *client.Client
	request *client.Observation
	elapsed time.Duration
	verdict
}

// observe makes requests as run does, and returns what the clients saw of each.
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
		elapsed := time.Since(begin)
		if err != nil {
			return nil, err
		}
		if o == nil {
			return nil, errors.New("a request was not recorded")
		}
		seen = append(seen, observed{by: c, request: o, elapsed: elapsed})
	}
	return seen, nil
}

// judgeAll fetches the timelines and judges the JSON of each.
func judgeAll(ctx context.Context, seen []observed) error {
	if len(seen) == 0 {
		return nil
	}
	requests := make([]*client.Observation, len(seen))
	for i := range seen {
		requests[i] = seen[i].request
	}
	// Any client can fetch the server's part of all of them.
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

// explained sums up the requests of a workload.
func (w workload) explained(seen []observed) explained {
	var verdicts []verdict
	var outside []time.Duration
	for _, o := range seen {
		verdicts = append(verdicts, o.verdict)
		outside = append(outside, o.elapsed-time.Duration(o.duration))
	}
	slices.Sort(outside)
	e := sumVerdicts(w.name, byClient, verdicts)
	e.Outside50 = microseconds(quantile(outside, 0.50))
	return e
}

// sumVerdicts sums up the verdicts on many timelines.
func sumVerdicts(workload, observer string, verdicts []verdict) explained {
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

const (
	servedClients = 16
	streamLength  = 50 // messages that the server sends on each stream that is explained
)

// served is a kind of request that is not made with our own client. Only the server's
// part of its timeline exists, and so only that is explained.
type served struct {
	name    string
	method  string // as timelines name it
	batch   int    // how many requests are made before their timelines are fetched
	request func(ctx context.Context, p *process, id int) error
}

var servedKinds = []served{
	{"put through the gateway, 16 clients", "POST " + gatewayPut, batchSize, putThroughGateway},
	{fmt.Sprintf("watch with %d events", streamLength), "/etcdserverpb.Watch/Watch", 20, watchOnce},
	{fmt.Sprintf("keep-alive of %d renewals", streamLength), "/etcdserverpb.Lease/LeaseKeepAlive", 20, keepAliveOnce},
}

// explainServed measures what the server's own timelines explain.
func (b *bench) explainServed(ctx context.Context) (all []explained, err error) {
	for _, kind := range servedKinds {
		result, err := b.explainKind(ctx, kind)
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", kind.name, err)
		}
		all = append(all, result)
	}
	return all, nil
}

func (b *bench) explainKind(ctx context.Context, kind served) (e explained, err error) {
	p, err := b.glasskv(ctx, b.newData(), nil, "--trace", "on")
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	wanted := b.opts.explain * kind.batch / batchSize // fewer streams than requests
	progress("%d explained: %s", wanted, kind.name)
	if err := kind.makeAll(ctx, p, kind.batch); err != nil { // warm from here on
		return e, err
	}
	if err := awaitIdle(ctx, p); err != nil {
		return e, err
	}
	var verdicts []verdict
	for len(verdicts) < wanted {
		n := min(kind.batch, wanted-len(verdicts))
		if err := kind.makeAll(ctx, p, n); err != nil {
			return e, err
		}
		if err := awaitIdle(ctx, p); err != nil {
			return e, err
		}
		some, err := p.judgeLast(ctx, kind.method, n)
		if err != nil {
			return e, err
		}
		verdicts = append(verdicts, some...)
	}
	return sumVerdicts(kind.name, byServer, verdicts), nil
}

// makeAll makes n requests, servedClients at a time.
func (kind served) makeAll(ctx context.Context, p *process, n int) error {
	todo := make(chan int)
	failed := make([]error, servedClients)
	var wg sync.WaitGroup
	for i := range servedClients {
		wg.Go(func() {
			for id := range todo {
				if err := kind.request(ctx, p, id); err != nil {
					failed[i] = errors.Join(failed[i], err)
				}
			}
		})
	}
	for id := range n {
		todo <- id
	}
	close(todo)
	wg.Wait()
	return errors.Join(failed...)
}

// judgeLast fetches the timelines of the last n requests of a method and judges them.
func (p *process) judgeLast(ctx context.Context, method string, n int) (verdicts []verdict, err error) {
	// Requests of other methods have finished among them, such as a watch's puts.
	body, err := get(ctx, fmt.Sprintf("%s/v1/requests?last=%d", p.traceURL, batchSize+n+streamLength))
	if err != nil {
		return nil, err
	}
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() && len(verdicts) < n {
		v, err := judge(lines.Bytes())
		if err != nil {
			return nil, err
		}
		if v.method == method {
			verdicts = append(verdicts, v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(verdicts) < n {
		return nil, fmt.Errorf("of %d requests of %s the server has %d timelines", n, method, len(verdicts))
	}
	return verdicts, nil
}

const gatewayPut = "/v3/kv/put"

// gateway keeps a connection open for each client.
var gateway = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: servedClients}, Timeout: time.Minute}

func putThroughGateway(ctx context.Context, p *process, id int) error {
	b64 := base64.StdEncoding.EncodeToString
	body := fmt.Sprintf(`{"key":%q,"value":%q}`, b64(fmt.Appendf(nil, "bench/%06d", id)), b64(value))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.addr+gatewayPut, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	reply, err := gateway.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL, reply.Status)
	}
	return nil
}

// watchOnce opens a stream, receives streamLength events on it and closes it.
func watchOnce(ctx context.Context, p *process, id int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	key := fmt.Appendf(nil, "watched/%06d", id)
	stream, err := pb.NewWatchClient(p.conns[id%len(p.conns)]).Watch(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
		CreateRequest: &pb.WatchCreateRequest{Key: key},
	}}); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil { // created
		return err
	}
	kv := pb.NewKVClient(p.conns[id%len(p.conns)])
	for range streamLength {
		if err := put(ctx, kv, key); err != nil {
			return err
		}
		if err := receive(stream, 1); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}

// keepAliveOnce opens a stream, renews a lease streamLength times on it and closes it.
func keepAliveOnce(ctx context.Context, p *process, id int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	leases := pb.NewLeaseClient(p.conns[id%len(p.conns)])
	lease, err := leases.LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 600})
	if err != nil {
		return err
	}
	stream, err := leases.LeaseKeepAlive(ctx)
	if err != nil {
		return err
	}
	for range streamLength {
		if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: lease.ID}); err != nil {
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
	return stream.CloseSend()
}

// jsonTimeline is a timeline as programs read it. The check shares no type and no line
// with the code that wrote the JSON.
type jsonTimeline struct {
	TraceID     string  `json:"trace_id"`
	Method      string  `json:"method"`
	Observer    string  `json:"observer"`
	DurationNS  int64   `json:"duration_ns"`
	ExplainedNS int64   `json:"explained_ns"`
	Explained   float64 `json:"explained"`
	Stages      []struct {
		Stage   string `json:"stage"`
		BeginNS int64  `json:"begin_ns"`
		EndNS   int64  `json:"end_ns"`
	} `json:"stages"`
	Ledger []struct {
		Stage   string `json:"stage"`
		BeginNS int64  `json:"begin_ns"`
		EndNS   int64  `json:"end_ns"`
	} `json:"ledger"`
}

// serverStage is a stage that only the server sees, and that every request passes.
const serverStage = "grpc.handleStream"

// verdict is what judge finds in one timeline.
type verdict struct {
	method     string
	explained  float64 // share of the duration, computed from the rows
	duration   int64   // nanoseconds
	violations []string
}

// judge checks a timeline's JSON: the ledger's rows tile the duration, each is longer
// than zero and names a stage of the timeline, and the sums are right. An error is
// returned only for what is not a timeline; violations are part of the verdict.
func judge(line []byte) (verdict, error) {
	var t jsonTimeline
	if err := json.Unmarshal(line, &t); err != nil {
		return verdict{}, fmt.Errorf("timeline: %w", err)
	}
	v := verdict{method: t.Method, duration: t.DurationNS}
	complain := func(format string, args ...any) {
		v.violations = append(v.violations, t.TraceID+": "+fmt.Sprintf(format, args...))
	}
	stages := map[string]bool{"unexplained": true}
	for _, s := range t.Stages {
		stages[s.Stage] = true
		if s.EndNS < s.BeginNS {
			complain("stage %s lasts %d ns", s.Stage, s.EndNS-s.BeginNS)
		}
	}
	if !stages[serverStage] {
		complain("the server's part is missing")
	}
	at, named := int64(0), int64(0)
	for _, row := range t.Ledger {
		switch {
		case row.BeginNS > at:
			complain("gap of %d ns before %s", row.BeginNS-at, row.Stage)
		case row.BeginNS < at:
			complain("%s overlaps what is before it by %d ns", row.Stage, at-row.BeginNS)
		}
		if row.EndNS <= row.BeginNS {
			complain("row %s of %d ns", row.Stage, row.EndNS-row.BeginNS)
		}
		if !stages[row.Stage] {
			complain("row %s names no stage", row.Stage)
		}
		if row.Stage != "unexplained" {
			named += row.EndNS - row.BeginNS
		}
		at = row.EndNS
	}
	if at != t.DurationNS {
		complain("rows end at %d ns of %d", at, t.DurationNS)
	}
	if named != t.ExplainedNS {
		complain("rows explain %d ns, the sum says %d", named, t.ExplainedNS)
	}
	if t.DurationNS > 0 {
		v.explained = float64(named) / float64(t.DurationNS)
	}
	if math.Abs(v.explained-t.Explained) > 1e-6 {
		complain("rows explain %.6f of it, the sum says %.6f", v.explained, t.Explained)
	}
	return v, nil
}
