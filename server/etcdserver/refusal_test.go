package etcdserver

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

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
		{"none at all", func(cfg Config, _ []byte) {
			if err := os.RemoveAll(cfg.walDir()); err != nil {
				t.Fatal(err)
			}
		}},
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
		{"nobody", func(cfg *Config) { cfg.InitialPeerURLsMap = nil }, errNotNamed},
		{"another name", func(cfg *Config) { cfg.Name = "n2" }, errNotNamed},
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

// What real etcd may have left in a directory and this server cannot honour.
func TestUnsupportedDirsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(lg *zap.Logger, be backend.Backend)
		want   error
	}{
		{"authentication", func(lg *zap.Logger, be backend.Backend) {
			tx := schema.NewAuthBackend(lg, be).BatchTx()
			tx.Lock()
			tx.UnsafeSaveAuthEnabled(true)
			tx.Unlock()
		}, ErrAuthEnabled},
		{"second member", func(lg *zap.Logger, be backend.Backend) {
			schema.NewMembershipBackend(lg, be).MustSaveMemberToBackend(&membership.Member{ID: 4711})
		}, ErrSingleMemberOnly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			startServer(t, cfg, Seams{}).Stop()
			be := backend.NewDefaultBackend(zap.NewNop(), cfg.backendPath())
			tt.change(zap.NewNop(), be)
			if err := be.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := NewServer(cfg, Seams{})
			wantErr(t, err, tt.want)
		})
	}
}

// An entry that cannot be applied stops the member before anything after it is.
func TestUnsupportedEntryStopsTheMember(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	_, err := s.raftRequest(testContext(t), &pb.InternalRaftRequest{})
	wantErr(t, err, errors.ErrStopped)
	wantErr(t, <-s.Fatal(), errUnsupportedEntry)
	<-s.StopNotify()
}
