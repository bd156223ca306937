package crash

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/scripts/internal/self"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
)

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
