package etcdserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestRestartKeepsEverything(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	put(t, s, "k", "v")
	grant, err := s.LeaseGrant(testContext(t), &pb.LeaseGrantRequest{TTL: 600})
	if err != nil {
		t.Fatal(err)
	}
	applied, rev := s.AppliedIndex(), s.KV().Rev()
	s.Stop()

	s = startServer(t, cfg, Seams{})
	wantGet(t, s, "k", "v")
	if got := s.KV().Rev(); got != rev {
		t.Errorf("revision is %d, want %d", got, rev)
	}
	if got := s.AppliedIndex(); got <= applied {
		t.Errorf("applied index is %d, was %d before the restart", got, applied)
	}
	if v := s.Cluster().Version(); v == nil || version.Cluster(v.String()) != version.Cluster(version.Version) {
		t.Errorf("cluster version is %v, want that of %s", v, version.Version)
	}
	if _, err := s.LeaseRevoke(testContext(t), &pb.LeaseRevokeRequest{ID: grant.ID}); err != nil {
		t.Errorf("lease is gone: %v", err)
	}
}

// A restart reads the log from the last snapshot on, and what lies before it is
// purged.
func TestSnapshotPurgeRestart(t *testing.T) {
	small := wal.SegmentSizeBytes
	wal.SegmentSizeBytes = 16 * 1024
	t.Cleanup(func() { wal.SegmentSizeBytes = small })

	cfg := testConfig(t, t.TempDir())
	cfg.SnapshotCount, cfg.SnapshotCatchUpEntries = 10, 5
	s := startServer(t, cfg, Seams{})
	value := strings.Repeat("x", 4096)
	for i := range 120 {
		put(t, s, fmt.Sprint("k", i), value)
	}
	s.Stop()
	if n := countFiles(t, cfg.walDir(), ".wal"); n <= int(cfg.MaxWALFiles) {
		t.Fatalf("only %d log files to purge", n)
	}

	purged := make(chan struct{}, 1000)
	cfg.Logger = zap.New(zapcore.NewNopCore()).WithOptions(zap.WrapCore(func(zapcore.Core) zapcore.Core {
		return onMessage{Core: zapcore.NewNopCore(), message: "purged", c: purged}
	}))
	s = startServer(t, cfg, Seams{})
	for countFiles(t, cfg.walDir(), ".wal") > int(cfg.MaxWALFiles) ||
		countFiles(t, cfg.snapDir(), ".snap") > int(cfg.MaxSnapFiles) {
		select {
		case <-purged:
		case <-testContext(t).Done():
			t.Fatal("files are not purged")
		}
	}
	for i := range 120 {
		wantGet(t, s, fmt.Sprint("k", i), value)
	}
	put(t, s, "more", "v")
}

// onMessage tells when a certain line is logged.
type onMessage struct {
	zapcore.Core
	message string
	c       chan struct{}
}

func (o onMessage) Enabled(zapcore.Level) bool { return true }

func (o onMessage) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == o.message {
		o.c <- struct{}{}
	}
	return ce
}

// The last write was torn by a power failure, before anybody heard that it had
// succeeded. The log is cut there and all the rest is kept.
func TestTornTailIsRepaired(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	put(t, s, "kept", "v")
	s.Stop()
	db := readFile(t, cfg.backendPath())

	s = startServer(t, cfg, Seams{})
	put(t, s, "torn", strings.Repeat("T", 8192))
	s.Stop()
	// The backend had not committed yet either.
	writeFile(t, cfg.backendPath(), db)
	path := lastFile(t, cfg.walDir())
	log := readFile(t, path)
	clear(log[bytes.Index(log, []byte("TTTT"))+1024:])
	writeFile(t, path, log)

	s = startServer(t, cfg, Seams{})
	wantGet(t, s, "kept", "v")
	wantGet(t, s, "torn", "")
	put(t, s, "after", "v")
	wantGet(t, s, "after", "v")
}

// Without the database but with the whole log, everything is applied anew.
func TestBackendIsRebuiltFromTheLog(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	put(t, s, "k", "v")
	s.Stop()
	if err := os.Remove(cfg.backendPath()); err != nil {
		t.Fatal(err)
	}
	s = startServer(t, cfg, Seams{})
	wantGet(t, s, "k", "v")
}

func countFiles(t *testing.T, dir, suffix string) int {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

func lastFile(t *testing.T, walDir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(walDir, "*.wal"))
	if err != nil || len(names) == 0 {
		t.Fatalf("log files: %v, %v", names, err)
	}
	return names[len(names)-1]
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The process ended after it had created its log and before it wrote to it.
func TestStartAgainAfterAnEmptyLog(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s, err := NewServer(cfg, Seams{})
	if err != nil {
		t.Fatal(err)
	}
	s.HardStop()
	s = startServer(t, cfg, Seams{})
	put(t, s, "k", "v")
	if n := len(s.Cluster().Members()); n != 1 {
		t.Errorf("%d members, want one", n)
	}
}
