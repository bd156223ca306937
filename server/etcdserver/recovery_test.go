package etcdserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
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
	if v := s.Cluster().Version(); v == nil || v.String() != ownVersion().String() {
		t.Errorf("cluster version is %v, want %v", v, ownVersion())
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

// A bit that flips in the middle of the log is no torn tail: what follows it may
// have been acknowledged.
func TestFlippedBitIsRefused(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	put(t, s, "k", "marked-value")
	put(t, s, "l", "v")
	s.Stop()
	path := lastFile(t, cfg.walDir())
	log := readFile(t, path)
	log[bytes.Index(log, []byte("marked-value"))] ^= 1
	writeFile(t, path, log)

	_, err := NewServer(cfg, Seams{})
	wantErr(t, err, ErrWALCorrupt)
	wantErr(t, err, wal.ErrCRCMismatch)
}

// A log that ends before what the backend has applied would make a member that
// starts and never answers.
func TestLogBehindBackendIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(cfg Config, old []byte)
	}{
		{"an older copy", func(cfg Config, old []byte) { writeFile(t, lastFile(t, cfg.walDir()), old) }},
		{"none at all", func(cfg Config, _ []byte) { os.RemoveAll(cfg.walDir()) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			s := startServer(t, cfg, Seams{})
			put(t, s, "k", "v")
			s.Stop()
			old := readFile(t, lastFile(t, cfg.walDir()))
			s = startServer(t, cfg, Seams{})
			put(t, s, "l", "v")
			s.Stop()
			tt.lose(cfg, old)

			_, err := NewServer(cfg, Seams{})
			wantErr(t, err, ErrWALBehind)
		})
	}
}

// The database is gone, and the log no longer holds everything that was in it.
func TestMissingBackendIsRefused(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.SnapshotCount = 5
	s := startServer(t, cfg, Seams{})
	for i := range 20 {
		put(t, s, fmt.Sprint("k", i), "v")
	}
	s.Stop()
	if err := os.Remove(cfg.backendPath()); err != nil {
		t.Fatal(err)
	}
	_, err := NewServer(cfg, Seams{})
	wantErr(t, err, ErrBackendMissing)
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

func TestLockedDirIsRefused(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	s := startServer(t, cfg, Seams{})
	start := time.Now()
	_, err := NewServer(cfg, Seams{})
	wantErr(t, err, ErrDataDirLocked)
	if took := time.Since(start); took > 5*lockTimeout {
		t.Errorf("took %v to find out", took)
	}
	put(t, s, "k", "v") // the one that has the lock goes on
}

func TestDirOfAnotherIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(cfg *Config)
		want   error
	}{
		{"token", func(cfg *Config) { cfg.InitialClusterToken = "other" }, ErrOtherCluster},
		{"peer URL", func(cfg *Config) {
			peers, err := types.NewURLs([]string{"http://127.0.0.1:9999"})
			if err != nil {
				t.Fatal(err)
			}
			cfg.InitialPeerURLsMap = types.URLsMap{cfg.Name: peers}
		}, ErrOtherCluster},
		{"name", func(cfg *Config) {
			cfg.InitialPeerURLsMap = types.URLsMap{"n2": cfg.InitialPeerURLsMap[cfg.Name]}
			cfg.Name = "n2"
		}, ErrOtherMember},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			startServer(t, cfg, Seams{}).Stop()
			other := cfg
			tt.change(&other)
			_, err := NewServer(other, Seams{})
			wantErr(t, err, tt.want)
			startServer(t, cfg, Seams{}) // whose it is can still have it
		})
	}
}

func TestUnusableConfigs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	writeFile(t, file, nil)
	for _, tt := range []struct {
		name   string
		change func(cfg *Config)
		want   error
	}{
		{"directory is a file", func(cfg *Config) { cfg.DataDir = file }, ErrDataDirNotWritable},
		{"two members", func(cfg *Config) { cfg.InitialPeerURLsMap["n2"] = cfg.PeerURLs }, ErrSingleMemberOnly},
		{"joining", func(cfg *Config) { cfg.NewCluster = false }, ErrSingleMemberOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, filepath.Join(dir, "data"))
			tt.change(&cfg)
			_, err := NewServer(cfg, Seams{})
			wantErr(t, err, tt.want)
		})
	}
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
