package crash

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"glasskv/scripts/internal/self"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
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
	slowest = max(slowest, server.StartTime)
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
	return server.StartTime
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

// writer puts one key after the other, each once, and knows how many it has
// been promised. Of the one under way when the server dies nothing is known.
type writer struct {
	id   int
	kept int // puts that were acknowledged, in this life or before
}

func (w *writer) prefix() string     { return fmt.Sprintf("w%02d/", w.id) }
func (w *writer) key(n int) string   { return fmt.Sprintf("%s%06d", w.prefix(), n) }
func (w *writer) value(n int) []byte { return fmt.Appendf(nil, "value %d of writer %d", n, w.id) }
func (w *writer) String() string     { return fmt.Sprintf("writer %d", w.id) }
func dial(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// write puts until the server is gone, and reports every acknowledgement.
func (w *writer) write(ctx context.Context, kv pb.KVClient, acknowledged func()) {
	for {
		_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte(w.key(w.kept)), Value: w.value(w.kept)})
		if err != nil {
			return
		}
		w.kept++
		acknowledged()
	}
}

// load runs all writers until the server dies, and calls enough once, at the
// given number of acknowledgements.
func load(ctx context.Context, addr string, writers []*writer, target int64, enough func(acknowledged *atomic.Int64)) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	kv := pb.NewKVClient(conn)
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			w.write(ctx, kv, func() {
				if acknowledged.Add(1) == target {
					go enough(&acknowledged) // the writers go on meanwhile
				}
			})
		})
	}
	wg.Wait()
	return nil
}

// check compares what the server has with what it promised. The put that was
// under way may have made it; anything else is a loss or an invention.
func (w *writer) check(ctx context.Context, t *testing.T, kv pb.KVClient) {
	t.Helper()
	got, err := kv.Range(ctx, &pb.RangeRequest{Key: []byte(w.prefix()), RangeEnd: []byte(fmt.Sprintf("w%02d0", w.id))})
	if err != nil {
		t.Fatalf("%v: %v", w, err)
	}
	if n := len(got.Kvs); n != w.kept && n != w.kept+1 {
		t.Fatalf("%v: %d puts were acknowledged, %d are there", w, w.kept, n)
	}
	for n, kv := range got.Kvs {
		if string(kv.Key) != w.key(n) || !bytes.Equal(kv.Value, w.value(n)) {
			t.Fatalf("%v: found %q = %q, want %q = %q", w, kv.Key, kv.Value, w.key(n), w.value(n))
		}
		if kv.Version != 1 {
			t.Fatalf("%v: %q was written %d times, and put once", w, kv.Key, kv.Version)
		}
	}
	w.kept = len(got.Kvs)
}

// childEnv holds the data directory in the environment of the process that is
// to be killed. That process is this test binary, run as a server.
const childEnv = "GLASSKV_CRASH_DATA_DIR"

// tracedEnv is set for a life in which every request is recorded.
const tracedEnv = "GLASSKV_CRASH_TRACED"

// fsyncMetric is counted by etcd's own log, inside its sync.
const fsyncMetric = "etcd_disk_wal_fsync_duration_seconds"

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := runChild(dir, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runChild serves from dir. It writes its address when it is ready and the
// number of fsyncs for every line that it reads; when there is nothing more to
// read, its parent is gone and it ends too.
func runChild(dir string, in io.Reader, out io.Writer) error {
	cfg := serve.DefaultConfig("default", dir)
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenPeerURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.SnapshotCount = 200 // a few snapshots and truncations in every life
	seams, err := installed()
	if err != nil {
		return err
	}
	node, err := serve.Start(context.Background(), cfg, seams)
	if err != nil {
		return err
	}
	select {
	case <-node.ReadyNotify():
		fmt.Fprintln(out, node.ClientAddrs()[0])
	case err := <-node.Err():
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		n, err := fsyncs()
		if err != nil {
			return err
		}
		fmt.Fprintln(out, n)
	}
	return node.Stop(context.Background())
}

// installed returns all seams or none, as the parent said: a server that is
// looked at keeps its word as well.
func installed() (serve.Seams, error) {
	if os.Getenv(tracedEnv) == "" {
		return serve.Seams{}, nil
	}
	observer, err := seam.New(record.NewRecorder(record.Options{}), seam.Options{})
	if err != nil {
		return serve.Seams{}, err
	}
	return observer.Seams(), nil
}

func fsyncs() (uint64, error) {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		return 0, err
	}
	for _, family := range families {
		if family.GetName() == fsyncMetric {
			return family.GetMetric()[0].GetHistogram().GetSampleCount(), nil
		}
	}
	return 0, fmt.Errorf("no metric %s", fsyncMetric)
}

// child is the server as its parent holds it.
type child struct{ *self.Child }

// start runs the server on dir and returns when it is ready. When that takes
// too long, the server is killed and the test fails.
func start(t *testing.T, dir string, traced bool) child {
	t.Helper()
	env := []string{childEnv + "=" + dir}
	if traced {
		env = append(env, tracedEnv+"=yes")
	}
	return child{self.Start(t, restartTime, env...)}
}

// fsyncs asks the server how often its log was synced in this life.
func (c child) fsyncs(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(c.Ask(t))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
