package etcdserver

import (
	"path/filepath"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.uber.org/zap"
)

// Defaults of Config, the same as etcd's.
const (
	DefaultTickMs                 uint   = 100
	DefaultElectionTicks                 = 10
	DefaultSnapshotCount          uint64 = 10000
	DefaultSnapshotCatchUpEntries uint64 = 5000
	DefaultMaxSnapFiles           uint   = 5
	DefaultMaxWALFiles            uint   = 5
	DefaultMaxRequestBytes        uint   = 1.5 * 1024 * 1024
	DefaultClusterToken                  = "etcd-cluster"
)

// lockTimeout is how long NewServer waits for another process to unlock the data
// directory. It is long enough for a previous server that is closing its files, and
// short enough for a person at a terminal.
const lockTimeout = 2 * time.Second

// Config is a member's identity and settings. NewServer copies it, so later changes
// have no effect. A field that is zero takes the default above, if it has one.
// Upstream: config.ServerConfig.
type Config struct {
	// Name is the member's name within InitialPeerURLsMap.
	Name string
	// DataDir contains member/wal and member/snap. NewServer creates it if it is
	// missing.
	DataDir string
	// ClientURLs are published to the cluster as the member's client URLs.
	ClientURLs types.URLs
	// PeerURLs are where other members reach this one.
	PeerURLs types.URLs

	// InitialPeerURLsMap names the members of a new cluster and, together with
	// InitialClusterToken, determines their IDs. On a restart NewServer compares
	// these IDs with those in the log, unless the map is empty.
	InitialPeerURLsMap  types.URLsMap
	InitialClusterToken string
	// NewCluster allows NewServer to create a cluster if there is no log yet.
	NewCluster bool

	// TickMs is raft's tick in milliseconds, which is also the interval between
	// heartbeats.
	TickMs uint
	// ElectionTicks is the number of ticks without a leader after which an
	// election starts.
	ElectionTicks int
	// PreVote makes a candidate ask the other members for votes before it raises
	// the term.
	PreVote bool

	// SnapshotCount is the number of applied entries between two snapshots on
	// disk.
	SnapshotCount uint64
	// SnapshotCatchUpEntries is how many applied entries stay in memory for slow
	// followers.
	SnapshotCatchUpEntries uint64
	// MaxSnapFiles and MaxWALFiles bound the number of files that are kept.
	MaxSnapFiles uint
	MaxWALFiles  uint

	// MaxRequestBytes bounds a proposal's size in the log, in bytes.
	MaxRequestBytes uint
	// QuotaBackendBytes is the size of the backend, in bytes, at which the NOSPACE
	// alarm is raised. 0 means etcd's 2 GiB, a negative value no quota.
	QuotaBackendBytes int64
	// The backend commits BackendBatchInterval after a write, or after
	// BackendBatchLimit writes. 0 means the backend's own defaults, 100 ms and
	// 10,000.
	BackendBatchInterval time.Duration
	BackendBatchLimit    int

	// Logger receives the server's logs; nil drops them.
	Logger *zap.Logger
}

// DefaultConfig returns the configuration of a new member with etcd's defaults. The
// caller must set InitialPeerURLsMap.
func DefaultConfig(name, dataDir string) Config {
	cfg := Config{Name: name, DataDir: dataDir, NewCluster: true, PreVote: true}
	return cfg.withDefaults()
}

// withDefaults returns c with defaults in the fields that are zero.
func (c Config) withDefaults() Config {
	setDefault(&c.TickMs, DefaultTickMs)
	setDefault(&c.ElectionTicks, DefaultElectionTicks)
	setDefault(&c.SnapshotCount, DefaultSnapshotCount)
	setDefault(&c.SnapshotCatchUpEntries, DefaultSnapshotCatchUpEntries)
	setDefault(&c.MaxSnapFiles, DefaultMaxSnapFiles)
	setDefault(&c.MaxWALFiles, DefaultMaxWALFiles)
	setDefault(&c.MaxRequestBytes, DefaultMaxRequestBytes)
	setDefault(&c.InitialClusterToken, DefaultClusterToken)
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// ReqTimeout returns how long one proposal or one read index may take: five seconds
// for queues, work and disk, and two election timeouts in case a leader must be
// elected.
func (c *Config) ReqTimeout() time.Duration {
	return 5*time.Second + 2*c.electionTimeout()
}

func (c *Config) heartbeat() time.Duration {
	return time.Duration(c.TickMs) * time.Millisecond
}

func (c *Config) electionTimeout() time.Duration {
	return time.Duration(c.ElectionTicks) * c.heartbeat()
}

// The layout of the data directory is etcd's: each server can open a directory of
// the other.
func (c *Config) memberDir() string   { return filepath.Join(c.DataDir, "member") }
func (c *Config) walDir() string      { return filepath.Join(c.memberDir(), "wal") }
func (c *Config) snapDir() string     { return filepath.Join(c.memberDir(), "snap") }
func (c *Config) backendPath() string { return filepath.Join(c.snapDir(), "db") }
