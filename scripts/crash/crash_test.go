package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

var (
	cycles = flag.Int("cycles", 3, "how often the server is killed")
	seed   = flag.Uint64("seed", 1, "decides when the server is killed")
)

// A life is bounded: a restart that hangs is a lost entry in disguise.
const (
	restartTime = 30 * time.Second
	lifeTime    = 2 * time.Minute
	writerCount = 64
)

// Sixty-four writers put as fast as they are answered. In the middle of it the
// server is killed, and started again on what is left, in every other life with
// all seams installed. Every put that was acknowledged is there, once, and
// nothing that nobody wrote.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	dir := t.TempDir()
	chance := rand.New(rand.NewPCG(*seed, 0))
	writers := make([]*writer, writerCount)
	for i := range writers {
		writers[i] = &writer{id: i}
	}
	var slowest time.Duration
	for life := range *cycles {
		started := oneLife(t, dir, life%2 == 0, writers, 100+chance.Int64N(1900))
		slowest = max(slowest, started)
	}
	server := start(t, dir, false)
	checkAll(t, server, writers)
	slowest = max(slowest, server.Took)
	total := 0
	for _, w := range writers {
		total += w.kept
	}
	t.Logf("%d puts of %d writers survived %d kills; the slowest restart took %v (seed %d)",
		total, writerCount, *cycles, slowest.Round(time.Millisecond), *seed)
}

// oneLife starts the server, checks what it kept, and kills it under load after
// the given number of acknowledgements. It returns how long the start took.
func oneLife(t *testing.T, dir string, traced bool, writers []*writer, target int64) time.Duration {
	t.Helper()
	server := start(t, dir, traced)
	checkAll(t, server, writers)
	ctx, cancel := context.WithTimeout(t.Context(), lifeTime)
	defer cancel()
	before := server.fsyncs(t)
	died := make(chan struct{})
	err := load(ctx, server.Addr, writers, target, func(acknowledged *atomic.Int64) {
		defer close(died)
		// Each writer has one put under way, so one fsync acknowledges one
		// put of each at most.
		promised := int(acknowledged.Load())
		if synced := server.fsyncs(t) - before; synced*writerCount < promised {
			t.Errorf("%d puts were acknowledged after %d fsyncs", promised, synced)
		}
		server.Kill()
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-died:
	case <-ctx.Done():
		t.Fatalf("the server was not under load long enough to be killed: %v", ctx.Err())
	}
	return server.Took
}

func checkAll(t *testing.T, server child, writers []*writer) {
	t.Helper()
	conn, err := dial(server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), restartTime)
	defer cancel()
	for _, w := range writers {
		w.check(ctx, t, pb.NewKVClient(conn))
	}
}
