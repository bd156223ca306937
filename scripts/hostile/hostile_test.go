package hostile

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var full = flag.Bool("full", false, "play the scenarios in full size")

// world is what an attacker knows.
type world struct {
	addr     string
	newcomer func(context.Context) error // a client that has not been connected yet
}

// size picks how much of something there is.
func (world) size(small, large int) int {
	if *full {
		return large
	}
	return small
}

// attack runs act on a connection of its own.
func (w world) attack(ctx context.Context, act func(*attacker) error) error {
	a, err := greet(ctx, w.addr)
	if err != nil {
		return err
	}
	defer a.leave()
	return act(a)
}

// The scenarios, from the wire upwards.
var scenarios = []struct {
	name string
	play func(context.Context, world) error
}{
	{"garbage", garbage},
	{"half a preface and silence", halfPreface},
	{"a preface and silence", prefaceOnly},
	{"idle connections", idleConnections},
	{"slow HTTP/1 headers", slowHTTP1},
	{"endless HTTP/1 headers", endlessHTTP1Headers},
	{"endless HTTP/1 body", endlessHTTP1Body},
	{"headers without end", headersWithoutEnd},
	{"CONTINUATION flood", continuationFlood},
	{"64 KiB header lists", hugeHeaders},
	{"DATA on idle and closed streams", dataNowhere},
	{"window overflow", windowOverflow},
	{"rapid reset", rapidReset},
	{"resets that the server is made to send", madeReset},
	{"SETTINGS flood", settingsFlood},
	{"PING flood", pingFlood},
	{"empty frames", emptyFrames},
	{"PRIORITY flood", priorityFlood},
	{"streams without requests", openStreams},
	{"a body that never ends", endlessBody},
	{"deep nested txns", nestedTxns},
	{"wide nested txns", wideTxns},
	{"requests at the size limit", largePuts},
	{"ranges over everything", wholeRanges},
	{"a client that asks and does not read", deafReader},
	{"watches by the thousand", manyWatches},
}

// Limits of what may be left of an attacker.
const (
	quietWrites   = 300
	slowerBy      = 10 // times the quiet p99
	leastP99      = 2 * time.Millisecond
	goroutineRoom = 20
	fileRoom      = 10
	heapRoom      = 64 << 20 // what a server may keep: applied entries (32 MiB), finished records (their bound)
	settleTime    = 20 * time.Second
)

func TestNobodyElseSuffers(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) { play(t, s.play) })
	}
}

func play(t *testing.T, scenario func(context.Context, world) error) {
	c := start(t)
	n := newNeighbour(t, c.Addr)
	quiet, err := n.p99(t.Context(), quietWrites)
	if err != nil {
		t.Fatal(err)
	}
	before := c.state(t)
	w := world{addr: c.Addr, newcomer: func(ctx context.Context) error {
		return world{addr: c.Addr}.client(ctx, func(ctx context.Context, cc *grpc.ClientConn) error {
			_, err := pb.NewKVClient(cc).Range(ctx, &pb.RangeRequest{Key: []byte("neighbour")})
			return err
		})
	}}
	begin := time.Now()
	found, err := n.during(t.Context(), func(ctx context.Context) error { return scenario(ctx, w) })
	took := time.Since(begin)
	if err != nil {
		t.Errorf("the scenario: %v", err)
	}
	if found.err != nil {
		t.Errorf("the neighbour during it: %v", found.err)
	}
	after := c.settled(t, before)
	late, err := n.p99(t.Context(), quietWrites)
	if err != nil {
		t.Fatalf("the neighbour after it: %v", err)
	}
	if limit := slowerBy * max(quiet, leastP99); late > limit {
		t.Errorf("the neighbour's p99 is %v after it, and was %v", late, quiet)
	}
	t.Logf("%v; neighbour p99 quiet %v, during %v (%d writes), after %v; goroutines %d → %d, files %d → %d, heap %d → %d KiB; records %d, swept %d, not recorded %d",
		took.Round(time.Millisecond), quiet, percentile99(found.took), len(found.took), late,
		before.Goroutines, after.Goroutines, before.Files, after.Files, before.HeapBytes>>10, after.HeapBytes>>10,
		after.Trace.Finished, after.Trace.Swept, after.Trace.NotRecorded)
}

// settled waits until nothing is left of the attacker, and fails the test when
// that takes too long.
func (c child) settled(t *testing.T, before state) state {
	t.Helper()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(settleTime); ; <-ticker.C {
		now := c.state(t)
		left := leftOver(before, now)
		if left == "" {
			return now
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind after %v: %s", settleTime, left)
			return now
		}
	}
}

// leftOver names what the server has not given back yet.
func leftOver(before, now state) string {
	switch {
	case now.Trace.Live > 0:
		return fmt.Sprintf("%d records under way", now.Trace.Live)
	case now.Trace.Begun != now.Trace.Finished:
		return fmt.Sprintf("%d records begun, %d finished", now.Trace.Begun, now.Trace.Finished)
	case now.Goroutines > before.Goroutines+goroutineRoom:
		return fmt.Sprintf("%d goroutines, there were %d", now.Goroutines, before.Goroutines)
	case now.Files > before.Files+fileRoom:
		return fmt.Sprintf("%d open files, there were %d", now.Files, before.Files)
	case now.HeapBytes > before.HeapBytes+heapRoom:
		return fmt.Sprintf("%d KiB of heap, there were %d", now.HeapBytes>>10, before.HeapBytes>>10)
	}
	return ""
}

// patience is how long the neighbour waits for one write. A write that takes
// longer counts as harm.
const patience = 5 * time.Second

// neighbour is a client that does nobody any harm.
type neighbour struct {
	kv pb.KVClient
}

func newNeighbour(t *testing.T, addr string) *neighbour {
	t.Helper()
	cc, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return &neighbour{pb.NewKVClient(cc)}
}

// write puts a key and returns how long that took.
func (n *neighbour) write(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begin := time.Now()
	_, err := n.kv.Put(ctx, &pb.PutRequest{Key: []byte("neighbour"), Value: []byte("v")})
	return time.Since(begin), err
}

// p99 writes count times, one write after the other.
func (n *neighbour) p99(ctx context.Context, count int) (time.Duration, error) {
	took := make([]time.Duration, count)
	for i := range took {
		var err error
		if took[i], err = n.write(ctx); err != nil {
			return 0, fmt.Errorf("write %d of %d: %w", i+1, count, err)
		}
	}
	return percentile99(took), nil
}

func percentile99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[(len(took)*99-1)/100]
}

// meanwhile is what the neighbour found while somebody else was at work.
type meanwhile struct {
	took []time.Duration
	err  error // the first write that failed
}

// during writes until work returns, and returns both results.
func (n *neighbour) during(ctx context.Context, work func(context.Context) error) (meanwhile, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var found meanwhile
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for {
			took, err := n.write(context.WithoutCancel(ctx))
			found.took = append(found.took, took)
			if err != nil {
				found.err = err
				return
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	err := work(ctx)
	close(over)
	wg.Wait()
	return found, err
}
