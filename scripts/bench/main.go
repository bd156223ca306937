// Command bench compares GlassKV with real etcd and with the least that the machine
// can need, and reports whether GlassKV reaches its goals.
//
//	go run ./scripts/bench                              # all of it, about twenty minutes
//	go run ./scripts/bench -write docs/performance.md   # and keep the result
//	go run ./scripts/bench -only "range, 64"            # turns at one workload, for a first look
//	go run ./scripts/bench -before HEAD~1 -only "put, 64" -targets "trace on" -rounds 15   # what a change costs
//	go run ./scripts/bench -short                       # two minutes; fails when something is badly wrong
//
// Run it on a machine that does nothing else, with -dir on a real disk.
//
// All servers run at the same time, each a process of its own on loopback with
// its own new data directory, and one at a time is under load. They take turns
// every few seconds, in another order each round, so that a disk that is slow
// for a while is slow for all of them; a ratio is taken between neighbours in
// time, and the median of the rounds counts.
//
//	targets.go    what is compared, and how each is started
//	process.go    one server as a process: ready, at rest, stopped
//	load.go       the load, a closed loop of clients, and the turns of the targets
//	explained.go  how much of a request's time its timeline explains, checked without any of our code
//	watchers.go   many watchers of one key
//	memory.go     a long load, and what the recorder keeps of it
//	figures.go    what was to be reached, and what was; Go benchmarks and etcdctl's comparison
//	report.go     the result as tables, and the machine it was measured on
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	short   bool
	json    bool
	write   string
	dir     string
	targets string
	only    string
	before  string

	rounds   int
	measure  time.Duration // how long each workload is measured on each target
	warm     time.Duration // how long it runs before it is measured
	explain  int           // for each kind of request, how many are explained
	watchers int           // watchers of one key
	changes  int           // changes of that key
	longLoad int           // requests of the long load
}

func parseFlags() *options {
	o := &options{}
	flag.BoolVar(&o.short, "short", false, "quick rounds, and fail when the ledger or an order of magnitude is wrong")
	flag.BoolVar(&o.json, "json", false, "print the result as JSON")
	flag.StringVar(&o.write, "write", "", "a document to put the result into, between its markers")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where data directories are made; must be on a disk")
	flag.StringVar(&o.targets, "targets", strings.Join(targetNames(), ","), "what to compare")
	flag.StringVar(&o.only, "only", "", "take turns at the workloads with this in their name, and measure nothing else")
	flag.StringVar(&o.before, "before", "", "an earlier commit that takes turns as well, at put with 64 clients")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each target has its turn")
	flag.DurationVar(&o.measure, "measure", 3*time.Second, "length of one turn")
	flag.DurationVar(&o.warm, "warm", time.Second, "load before each turn that does not count")
	flag.IntVar(&o.explain, "explain", 5000, "requests of each kind whose time is to be explained; 0 for none")
	flag.IntVar(&o.watchers, "watchers", 10_000, "watchers of one key; 0 for none")
	flag.IntVar(&o.changes, "changes", 50, "changes of that key, each of which all watchers are told")
	flag.IntVar(&o.longLoad, "long-load", 1_000_000, "requests of the long load; 0 for none")
	flag.Parse()
	if o.short {
		o.shorten()
	}
	return o
}

// shorten reduces everything that no flag has set.
func (o *options) shorten() {
	given := make(map[string]bool)
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{
		"rounds": "3", "measure": "400ms", "warm": "100ms", "explain": "500", "long-load": "20000",
		"watchers": "1000", "changes": "10",
	} {
		if !given[name] {
			_ = flag.Set(name, value) // our own names and values
		}
	}
}

// generatorGC is a high GOGC for the load generator: the processor time that its
// collections take is missing to every server, and makes them look more alike.
const generatorGC = 1000

func main() {
	o := parseFlags()
	debug.SetGCPercent(generatorGC)
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything and then prints the result.
func run(ctx context.Context, o *options) (err error) {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.remove()) }()
	r, err := b.measureAll(ctx)
	if err != nil {
		return err
	}
	if err := r.print(os.Stdout, o); err != nil {
		return err
	}
	if o.short {
		return r.checkSane()
	}
	return nil
}

// measureAll measures one kind of figure after the other, never two at once.
func (b *bench) measureAll(ctx context.Context) (*result, error) {
	r := &result{Machine: describeMachine(b.dir), Rounds: b.opts.rounds}
	var err error
	if r.Turns, err = b.takeTurns(ctx); err != nil {
		return nil, err
	}
	if b.opts.only != "" {
		return r, nil
	}
	if b.opts.explain > 0 {
		if r.Explained, err = b.explainAll(ctx); err != nil {
			return nil, err
		}
		served, err := b.explainServed(ctx)
		if err != nil {
			return nil, err
		}
		r.Explained = append(r.Explained, served...)
	}
	if b.opts.watchers > 0 {
		if r.Watchers, err = b.watchAll(ctx); err != nil {
			return nil, err
		}
	}
	if !b.opts.short {
		if r.Etcdctl, err = compareEtcdctl(ctx); err != nil {
			return nil, err
		}
	}
	if b.opts.longLoad > 0 {
		if r.Memory, err = b.longLoads(ctx); err != nil {
			return nil, err
		}
	}
	if r.Prices, err = goBenchmarks(ctx, b.opts.short); err != nil {
		return nil, err
	}
	return r, nil
}

// progress writes a line about what is going on to standard error.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
