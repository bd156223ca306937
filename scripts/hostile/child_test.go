package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/scripts/internal/self"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
)

// childEnv holds the data directory in the environment of the process that is
// to be attacked: this test binary, run as a server with every seam installed.
const childEnv = "GLASSKV_HOSTILE_DATA_DIR"

// filesEnv bounds the descriptors that the server may have open.
const filesEnv = "GLASSKV_HOSTILE_FILES"

// startTime bounds the server's start.
const startTime = 30 * time.Second

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

// state is what the server tells of itself.
type state struct {
	Goroutines int
	Files      int
	HeapBytes  uint64 // what is reachable
	Trace      record.Stats
}

// runChild serves from dir with the configuration that a user gets who gives
// none. It writes its address when it is ready, and its state for every line that
// it reads; when there is nothing more to read, its parent is gone and it ends.
func runChild(dir string, in io.Reader, out io.Writer) error {
	if err := limitFiles(); err != nil {
		return err
	}
	cfg := serve.DefaultConfig("default", dir)
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenPeerURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	rec := record.NewRecorder(record.Options{})
	observer, err := seam.New(rec, seam.Options{})
	if err != nil {
		return err
	}
	node, err := serve.Start(context.Background(), cfg, observer.Seams())
	if err != nil {
		return err
	}
	select {
	case <-node.ReadyNotify():
		fmt.Fprintln(out, node.ClientAddrs()[0])
	case err := <-node.Err():
		return err
	}
	answers := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if err := answers.Encode(stateNow(rec)); err != nil {
			return err
		}
	}
	return node.Stop(context.Background())
}

func limitFiles() error {
	files := os.Getenv(filesEnv)
	if files == "" {
		return nil
	}
	n, err := strconv.ParseUint(files, 10, 64)
	if err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n})
}

func stateNow(rec *record.Recorder) state {
	debug.FreeOSMemory() // collects garbage first
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	files, _ := os.ReadDir("/proc/self/fd") // none where the system does not tell
	return state{runtime.NumGoroutine(), len(files), mem.HeapAlloc, rec.Stats()}
}

// child is the server as its parent holds it.
type child struct{ *self.Child }

// start runs a server that ends with the test.
func start(t *testing.T, env ...string) child {
	t.Helper()
	return child{self.Start(t, startTime, append(env, childEnv+"="+t.TempDir())...)}
}

// state asks the server how it is.
func (c child) state(t *testing.T) (s state) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.Ask(t)), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
