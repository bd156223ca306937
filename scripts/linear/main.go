// Command linear checks that a server is linearizable. Many clients read and write a
// few keys of the server. While they do, it is killed, stopped and started again. Then
// the command looks for one order of all requests that explains every reply, in which
// each request takes effect at one moment between its call and its reply. Without
// such an order, the server has lost a write, applied one twice or returned a stale
// value.
//
//	go run ./scripts/linear                              # 20 lives
//	go run ./scripts/linear -cycles 200 -seed 7          # by hand
//	go run ./scripts/linear -servers glasskv,etcd        # two servers take turns on the same data
//
// A request without a reply may have taken effect or not, but only until the last
// server that it could have reached has ended. Serializable reads may be stale, so
// they are not part of the order, but what they return must have been written.
//
//	server.go   the server's lives, and when a request is settled
//	client.go   the clients and what they ask
//	history.go  what the clients learnt, and the search for an order
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	servers string
	cycles  int
	clients int
	keys    int
	replies int64
	load    int
	seed    uint64
}

func main() {
	var o options
	flag.StringVar(&o.servers, "servers", glasskv, "what serves the data, one after the other: glasskv, etcd")
	flag.IntVar(&o.cycles, "cycles", 20, "how often the server is killed or stopped")
	flag.IntVar(&o.clients, "clients", 12, "clients whose requests are put in order")
	flag.IntVar(&o.keys, "keys", 5, "keys that they share")
	flag.Int64Var(&o.replies, "replies", 500, "replies in one life, on average")
	flag.IntVar(&o.load, "load", 32, "clients beside them that only write")
	flag.Uint64Var(&o.seed, "seed", 1, "decides what is asked, and when the server ends")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "linear:", err)
		os.Exit(1)
	}
}

// run makes a history in a directory of its own and checks it.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "linear-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := record(ctx, o, dir, out)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := h.check(); err != nil {
		return fmt.Errorf("seed %d: %w", o.seed, err)
	}
	fmt.Fprintf(out, "%s by %d clients about %d keys: linearizable (%v to find an order)\n",
		h.summary(), o.clients, o.keys, time.Since(begin).Round(time.Millisecond))
	return nil
}

// record runs the clients against one server after the other and returns what they
// did.
func record(ctx context.Context, o options, dir string, out io.Writer) (h *history, err error) {
	servers := strings.Split(o.servers, ",")
	m, err := newMember(ctx, dir, servers)
	if err != nil {
		return nil, err
	}
	h = newHistory()
	l := &lives{h: h}
	l.begin()
	clients, cancel := context.WithCancel(ctx)
	wait, err := o.startClients(clients, m.client, l)
	defer wait()
	defer cancel()
	if err != nil {
		return nil, err
	}
	chance := rand.New(rand.NewPCG(o.seed, 1<<32)) //nolint:gosec // can be repeated; no secret
	for n := range o.cycles + 1 {
		server := servers[n%len(servers)]
		how, err := m.live(ctx, l, server, o.replies/2+chance.Int64N(o.replies), chance.IntN(2) == 0)
		if err != nil {
			return nil, fmt.Errorf("life %d, %s, seed %d: %w", n, server, o.seed, err)
		}
		fmt.Fprintf(out, "life %d: %s\n", n, how)
	}
	cancel()
	wait()
	l.settle() // the requests during which the clients were ended
	return h, nil
}

// startClients starts all clients, which end with ctx. wait returns when they have
// ended.
func (o *options) startClients(ctx context.Context, addr string, l *lives) (wait func(), err error) {
	var wg sync.WaitGroup
	for id := range o.clients + o.load {
		kv, end, err := connect(id, addr)
		if err != nil {
			return wg.Wait, err
		}
		chance := rand.New(rand.NewPCG(o.seed, uint64(id))) //nolint:gosec // as above
		c := &client{id: id, kv: kv, chance: chance, lives: l, keys: o.keys, known: make(map[string]string)}
		wg.Go(func() {
			defer func() { _ = end() }() // a connection to a server that is gone
			if id < o.clients {
				c.run(ctx)
			} else {
				c.load(ctx)
			}
		})
	}
	return wg.Wait, nil
}
