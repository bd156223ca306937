package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// result is everything that was measured.
type result struct {
	Machine   machine              `json:"machine"`
	Rounds    int                  `json:"rounds"`
	Turns     turns                `json:"turns"`
	Explained []explained          `json:"explained"`
	Watchers  map[string][]watched `json:"watchers"`
	Etcdctl   *etcdctl             `json:"etcdctl,omitempty"`
	Memory    map[string]longLoad  `json:"memory"`
	Prices    map[string]price     `json:"prices"`
}

// figure is one goal, and whether it was reached.
type figure struct {
	What  string             `json:"what"`
	Reach string             `json:"reach"`
	Got   string             `json:"got"`
	Met   bool               `json:"met"`
	value float64            // what sane judges
	sane  func(float64) bool // whether value is of the right order of magnitude
}

func (r *result) figures() []figure {
	var all []figure
	for _, e := range r.Explained {
		all = append(all, explainedFigures(e)...)
	}
	for _, c := range []struct {
		what, over, under string
		w                 workload
		reach, least      float64
	}{
		{"put/s with 64 clients, recorded, against trace off", traceOn, traceOff, put64, 0.90, 0.5},
		{"put/s with 64 clients, recorded, against the earlier commit", traceOn, earlier, put64, 0.99, 0.5},
		{"put/s with 64 clients, all exported over OTLP, against trace off", exportAll, traceOff, put64, 0.75, 0.25},
		{"put/s with 64 clients, recorded, against real etcd", traceOn, realEtcd, put64, 1.0, 0.5},
		{"put/s over TLS with 64 clients, recorded, against real etcd over TLS", traceOnTLS, etcdTLS, put64TLS, 1.8, 0.9},
		{"linearizable range/s with 64 clients, recorded, against real etcd untraced", traceOn, realEtcd, range64, 1.0, 0.5},
		{"puts with a new connection each, recorded, against trace off", traceOn, traceOff, putFresh, 0.90, 0.5},
	} {
		if got, ok := r.Turns.ratio(c.w, c.over, c.under, perSecond); ok {
			what := c.what
			if share, _ := r.Turns.median(c.w, c.over, exported); share > 0 {
				what += fmt.Sprintf(" (%.1f %% of them arrived)", 100*share)
			}
			all = append(all, figure{
				what, fmt.Sprintf("≥ %.2f", c.reach), fmt.Sprintf("%.2f", got),
				got >= c.reach, got, func(v float64) bool { return v > c.least },
			})
		}
	}
	if got, ok := r.Turns.ratio(putAlone, traceOn, limit, p50); ok {
		all = append(all, figure{
			"warm put, 1 client, p50, recorded, against the physical limit", "≤ 1.25", fmt.Sprintf("%.2f", got),
			got <= 1.25, got, func(v float64) bool { return v < 5 },
		})
	}
	return slices.Concat(all, r.watcherFigures(), r.etcdctlFigures(), r.priceFigures(), r.memoryFigures())
}

func explainedFigures(e explained) []figure {
	share := figure{
		fmt.Sprintf("explained time, client-observed, %s, p50 and p99 of %d requests", e.Workload, e.Requests),
		"≥ 99 % and ≥ 95 %", fmt.Sprintf("%.2f %% and %.2f %%", 100*e.P50, 100*e.P99),
		e.P50 >= 0.99 && e.P99 >= 0.95, e.P50, func(v float64) bool { return v >= 0.95 },
	}
	if e.Observer == byServer {
		share.What = fmt.Sprintf("explained time, server-observed, %s, p50 of %d", e.Workload, e.Requests)
		share.Reach, share.Got, share.Met = "≥ 97 %", fmt.Sprintf("%.2f %%", 100*e.P50), e.P50 >= 0.97
		share.sane = func(v float64) bool { return v >= 0.9 }
	}
	return []figure{
		share,
		{
			"their ledgers: gaps, overlaps, negative rows", "0", fmt.Sprint(e.Violations),
			e.Violations == 0, float64(e.Violations), func(v float64) bool { return v == 0 },
		},
	}
}

func (r *result) priceFigures() []figure {
	var all []figure
	always := func(float64) bool { return true } // a busy machine may take any time
	if p, ok := r.Prices[stampBenchmark]; ok {
		all = append(all, figure{"one stamp", "≤ 30 ns", fmt.Sprintf("%.1f ns", p.NS), p.NS <= 30, p.NS, always})
	}
	empty, ok := r.Prices[idleBenchmark]
	seams, both := r.Prices[observedBenchmark]
	if ok && both {
		more := seams.Allocs - empty.Allocs
		all = append(all, figure{
			"allocations per request beyond those of an empty stats.Handler", "≤ 8", fmt.Sprintf("%.0f", more),
			more <= 8, more, func(v float64) bool { return v < 20 },
		})
	}
	return all
}

func (r *result) memoryFigures() []figure {
	on, ok := r.Memory[traceOn]
	if !ok || on.Stats == nil {
		return nil
	}
	used, bound := on.Stats.MemoryUsed, on.Stats.MemoryBound
	return []figure{{
		fmt.Sprintf("memory of recorder and queues after %d requests", on.Requests),
		fmt.Sprintf("≤ %s", mebibytes(bound)), mebibytes(used), used <= bound, float64(used - bound),
		func(v float64) bool { return v <= 0 },
	}}
}

func perSecond(t turn) float64 { return t.PerSecond }
func p50(t turn) float64       { return t.P50 }
func p99(t turn) float64       { return t.P99 }
func exported(t turn) float64  { return t.Exported }

// ratio returns the median, over the rounds, of the quotient of two targets. ok is
// false if one of them was not measured.
func (t turns) ratio(w workload, over, under string, of func(turn) float64) (ratio float64, ok bool) {
	a, b := t[w.name][over], t[w.name][under]
	if len(a) == 0 || len(a) != len(b) {
		return 0, false
	}
	var all []float64
	for i := range a {
		all = append(all, of(a[i])/of(b[i]))
	}
	return median(all), true
}

// median returns the median of a target's turns at a workload. ok is false if it had
// none.
func (t turns) median(w workload, target string, of func(turn) float64) (m float64, ok bool) {
	var all []float64
	for _, turn := range t[w.name][target] {
		all = append(all, of(turn))
	}
	return median(all), len(all) > 0
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// checkSane is what the short form asserts: that every ledger is right, and that no
// other figure is off by an order of magnitude. Times are not asserted.
func (r *result) checkSane() error {
	var wrong []error
	for _, f := range r.figures() {
		if !f.sane(f.value) {
			wrong = append(wrong, fmt.Errorf("%s: %s, goal %s", f.What, f.Got, f.Reach))
		}
	}
	for _, e := range r.Explained {
		if e.Violations > 0 {
			wrong = append(wrong, errors.New(strings.Join(e.Examples, "\n")))
		}
	}
	return errors.Join(wrong...)
}

// price is the result of one Go benchmark, for each operation.
type price struct {
	NS     float64 `json:"ns"`
	Bytes  float64 `json:"bytes"`
	Allocs float64 `json:"allocs"`
}

// The benchmarks that are quoted. The allocations of stats.Handler itself are in both
// forms of the put: the plain server has a handler that does nothing.
const (
	stampBenchmark    = "BenchmarkStamp"
	idleBenchmark     = "BenchmarkPut/plain"
	observedBenchmark = "BenchmarkPut/observed"
)

// priced are the benchmarks to run, by package.
var priced = map[string][]string{
	"./trace/record":      {stampBenchmark},
	"./server/seam/front": {"BenchmarkPut"},
}

// goBenchmarks runs the benchmarks of priced and returns their prices by name.
func goBenchmarks(ctx context.Context, short bool) (map[string]price, error) {
	length := "1s"
	if short {
		length = "2000x"
	}
	all := make(map[string]price)
	for pkg, names := range priced {
		progress("go test -bench in %s", pkg)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-benchmem", "-benchtime", length, //nolint:gosec // our own names
			"-bench", "^("+strings.Join(names, "|")+")$", pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go test -bench in %s: %w\n%s", pkg, err, out)
		}
		parsePrices(out, all)
	}
	return all, nil
}

// parsePrices reads lines such as
//
//	BenchmarkStamp-2   50000000   24.1 ns/op   0 B/op   0 allocs/op
func parsePrices(out []byte, into map[string]price) {
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(f[0], "-")
		var p price
		for i := 2; i+1 < len(f); i += 2 {
			n, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			switch f[i+1] {
			case "ns/op":
				p.NS = n
			case "B/op":
				p.Bytes = n
			case "allocs/op":
				p.Allocs = n
			}
		}
		into[name] = p
	}
}

// etcdctl counts the commands of etcdctl that were compared with real etcd.
type etcdctl struct {
	Commands int `json:"commands"`
	Differ   int `json:"differ"`
}

var (
	commandsLine = regexp.MustCompile(`(?m)commands: (\d+)$`)
	differLine   = regexp.MustCompile(`(?m)commands whose output differs: (\d+)$`)
)

// compareEtcdctl runs the comparison, a test in scripts/peers, and returns what it
// counted. Differences fail the test, but compareEtcdctl returns no error for them.
func compareEtcdctl(ctx context.Context) (*etcdctl, error) {
	progress("etcdctl against GlassKV and against real etcd")
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "./diff")
	cmd.Dir = "scripts/peers"
	out, failed := cmd.CombinedOutput()
	var counts [2]int
	for i, line := range []*regexp.Regexp{commandsLine, differLine} {
		for _, m := range line.FindAllSubmatch(out, -1) {
			n, err := strconv.Atoi(string(m[1]))
			if err != nil {
				return nil, err
			}
			counts[i] += n
		}
	}
	if counts[0] == 0 {
		return nil, fmt.Errorf("go test ./diff in scripts/peers: %w\n%s", failed, out)
	}
	return &etcdctl{Commands: counts[0], Differ: counts[1]}, nil
}

func (r *result) etcdctlFigures() []figure {
	if r.Etcdctl == nil {
		return nil
	}
	n := r.Etcdctl.Differ
	return []figure{{
		fmt.Sprintf("of %d etcdctl commands: output differs from real etcd (go test -C scripts/peers ./diff)", r.Etcdctl.Commands),
		"0", strconv.Itoa(n), n == 0, float64(n), func(v float64) bool { return v == 0 },
	}}
}
