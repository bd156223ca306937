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

// lockTimeout is how long NewServer waits for another process to give up the data
// directory. It is long enough for a predecessor that is just closing its
// files, and short enough for a person who waits at a terminal.
const lockTimeout = 2 * time.Second

// Config says who the member is and how it runs. It is copied by NewServer and
// fixed for the server's lifetime. Numeric fields that are zero take the
// defaults above. It stands for config.ServerConfig.
type Config struct {
	// Name is the member's name within InitialPeerURLsMap.
	Name string
	// DataDir holds member/wal and member/snap; it is created when missing.
	DataDir string
	// ClientURLs are published to the cluster as the member's client URLs.
	ClientURLs types.URLs
	// PeerURLs are where other members reach this one.
	PeerURLs types.URLs

	// InitialPeerURLsMap names the members of a new cluster and, together with
	// InitialClusterToken, fixes their IDs. On a restart it is compared with the
	// IDs in the log; when it is empty, a restart takes whatever the log says.
	InitialPeerURLsMap  types.URLsMap
	InitialClusterToken string
	// NewCluster allows a new cluster to be made when there is no log yet.
	NewCluster bool

	// TickMs is raft's tick, which is also the heartbeat, in milliseconds.
	TickMs uint
	// ElectionTicks is the number of ticks without a leader after which an
	// election starts.
	ElectionTicks int
	// PreVote asks the others before the term is raised.
	PreVote bool

	// SnapshotCount is the number of applied entries after which a snapshot is
	// saved and older log becomes superfluous.
	SnapshotCount uint64
	// SnapshotCatchUpEntries is how many entries before the snapshot stay in
	// memory for a slow follower.
	SnapshotCatchUpEntries uint64
	// MaxSnapFiles and MaxWALFiles bound the files that are kept.
	MaxSnapFiles uint
	MaxWALFiles  uint

	// MaxRequestBytes bounds a proposal as it stands in the log.
	MaxRequestBytes uint
	// QuotaBackendBytes is the size of the backend at which the NOSPACE alarm
	// is raised. 0 is etcd's 2 GiB, a negative value means no quota.
	QuotaBackendBytes int64
	// BackendBatchInterval and BackendBatchLimit say after which time and how
	// many writes the backend commits. 0 takes the backend's own defaults,
	// 100 ms and 10,000.
	BackendBatchInterval time.Duration
	BackendBatchLimit    int

	// Logger receives structured logs; nil drops them.
	Logger *zap.Logger
}

// DefaultConfig returns the configuration of a new single member with etcd's
// defaults. Its InitialPeerURLsMap is still empty.
func DefaultConfig(name, dataDir string) Config {
	cfg := Config{Name: name, DataDir: dataDir, NewCluster: true, PreVote: true}
	return cfg.withDefaults()
}

// withDefaults fills the fields that are zero.
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

// ReqTimeout bounds one proposal or one read index: five seconds for queues,
// work and disk, and two election timeouts in case a leader has to be found.
func (c *Config) ReqTimeout() time.Duration {
	return 5*time.Second + 2*c.electionTimeout()
}

func (c *Config) heartbeat() time.Duration {
	return time.Duration(c.TickMs) * time.Millisecond
}

func (c *Config) electionTimeout() time.Duration {
	return time.Duration(c.ElectionTicks) * c.heartbeat()
}

// The layout of the data directory is etcd's, so that either server can open
// the other's.
func (c *Config) memberDir() string   { return filepath.Join(c.DataDir, "member") }
func (c *Config) walDir() string      { return filepath.Join(c.memberDir(), "wal") }
func (c *Config) snapDir() string     { return filepath.Join(c.memberDir(), "snap") }
func (c *Config) backendPath() string { return filepath.Join(c.snapDir(), "db") }
