package command

import (
	"github.com/spf13/pflag"

	"glasskv/server/serve"
)

const (
	clusterStateNew      = "new"
	clusterStateExisting = "existing"

	// maxElectionMs is etcd's upper bound for an election timeout, made for
	// clusters that span the globe.
	maxElectionMs = 50000
)

// serveFlags are the flags of `glasskv serve` as they were given. What can go
// into the configuration directly does; the rest is put together by config.
type serveFlags struct {
	cfg serve.Config

	listenClientURLs    []string
	listenHTTPURLs      []string
	advertiseClientURLs []string
	listenPeerURLs      []string
	advertisePeerURLs   []string
	initialCluster      string
	clusterState        string
	electionMs          uint
	http                httpFlags
	debugURL            listenURL

	logLevel  string
	logFormat string
}

func newServeFlags() *serveFlags {
	return &serveFlags{cfg: serve.DefaultConfig(serve.DefaultName, "")}
}

// add declares the flags, named as etcd's and with its defaults.
func (f *serveFlags) add(fs *pflag.FlagSet) {
	f.addMember(fs)
	f.addTLS(fs)
	f.addHTTP(fs)
	f.addCluster(fs)
	f.addRaft(fs)
	f.addLimits(fs)
	f.addServices(fs)
	fs.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn, error, panic or fatal")
	fs.StringVar(&f.logFormat, "log-format", "console", "console, to be read by people, or json, as etcd's")
}

func (f *serveFlags) addMember(fs *pflag.FlagSet) {
	fs.StringVar(&f.cfg.Name, "name", f.cfg.Name, "name of this member")
	fs.StringVar(&f.cfg.DataDir, "data-dir", "", `data directory (default "<name>.glasskv")`)
	fs.StringSliceVar(&f.listenClientURLs, "listen-client-urls", []string{serve.DefaultListenClientURL},
		"URLs to serve clients on; port 0 takes any free port")
	fs.StringSliceVar(&f.listenHTTPURLs, "listen-client-http-urls", nil,
		"URLs to serve HTTP on; those of --listen-client-urls are then for gRPC alone")
	fs.StringSliceVar(&f.advertiseClientURLs, "advertise-client-urls", nil,
		"client URLs to tell the cluster (default: those it listens on)")
	fs.StringSliceVar(&f.listenPeerURLs, "listen-peer-urls", []string{serve.DefaultListenPeerURL},
		"URLs to serve other members on")
}

func (f *serveFlags) addCluster(fs *pflag.FlagSet) {
	fs.StringSliceVar(&f.advertisePeerURLs, "initial-advertise-peer-urls", []string{serve.DefaultListenPeerURL},
		"peer URLs of this member to tell the cluster; its ID depends on them")
	fs.StringVar(&f.initialCluster, "initial-cluster", "",
		`members of a new cluster, as name=URL,… (default "<name>=<initial-advertise-peer-urls>")`)
	fs.StringVar(&f.cfg.InitialClusterToken, "initial-cluster-token", f.cfg.InitialClusterToken,
		"tells clusters apart whose members have the same names and URLs")
	fs.StringVar(&f.clusterState, "initial-cluster-state", clusterStateNew, "new or existing")
}

func (f *serveFlags) addRaft(fs *pflag.FlagSet) {
	c := &f.cfg
	fs.UintVar(&c.TickMs, "heartbeat-interval", c.TickMs, "time between two heartbeats, in milliseconds")
	fs.UintVar(&f.electionMs, "election-timeout", c.TickMs*uint(c.ElectionTicks),
		"time without a leader until an election starts, in milliseconds")
	fs.BoolVar(&c.PreVote, "pre-vote", c.PreVote, "ask for votes before the term is raised")
	fs.Uint64Var(&c.SnapshotCount, "snapshot-count", c.SnapshotCount, "writes between two snapshots")
	fs.Uint64Var(&c.SnapshotCatchUpEntries, "snapshot-catchup-entries", c.SnapshotCatchUpEntries,
		"entries kept after a snapshot for slow members")
	fs.UintVar(&c.MaxSnapFiles, "max-snapshots", c.MaxSnapFiles, "snapshot files to keep; 0 keeps all")
	fs.UintVar(&c.MaxWALFiles, "max-wals", c.MaxWALFiles, "log files to keep; 0 keeps all")
	fs.Int64Var(&c.QuotaBackendBytes, "quota-backend-bytes", c.QuotaBackendBytes,
		"size of the database at which writes are refused; 0 means 2 GiB, below 0 no bound")
	fs.DurationVar(&c.BackendBatchInterval, "backend-batch-interval", c.BackendBatchInterval,
		"time until writes are committed to the database; 0 means 100ms")
	fs.IntVar(&c.BackendBatchLimit, "backend-batch-limit", c.BackendBatchLimit,
		"number of writes until they are committed to the database; 0 means 10000")
}

func (f *serveFlags) addLimits(fs *pflag.FlagSet) {
	c := &f.cfg
	fs.UintVar(&c.MaxRequestBytes, "max-request-bytes", c.MaxRequestBytes, "size of the largest request, in bytes")
	fs.UintVar(&c.MaxTxnOps, "max-txn-ops", c.MaxTxnOps, "operations in the largest transaction")
	fs.Uint32Var(&c.MaxConcurrentStreams, "max-concurrent-streams", c.MaxConcurrentStreams,
		"requests that a connection may have under way")
	fs.DurationVar(&c.WatchProgressNotifyInterval, "watch-progress-notify-interval", c.WatchProgressNotifyInterval,
		"how often watchers that asked for it are told how far they are; 0 means 10m")
	fs.DurationVar(&c.GRPCKeepAliveMinTime, "grpc-keepalive-min-time", c.GRPCKeepAliveMinTime,
		"time that a client must wait between two pings")
	fs.DurationVar(&c.GRPCKeepAliveInterval, "grpc-keepalive-interval", c.GRPCKeepAliveInterval,
		"time of silence until a client is pinged; 0 switches it off")
	fs.DurationVar(&c.GRPCKeepAliveTimeout, "grpc-keepalive-timeout", c.GRPCKeepAliveTimeout,
		"time that a pinged client has to answer; 0 switches it off")
	fs.DurationVar(&c.ConnectionTimeout, "connection-timeout", c.ConnectionTimeout,
		"time that a new connection's handshake may take; 0 leaves it to grpc-go")
	fs.DurationVar(&c.MaxConnectionAge, "max-connection-age", c.MaxConnectionAge,
		"age at which a connection's client is asked to open another; 0 means never")
	fs.DurationVar(&c.MaxConnectionAgeGrace, "max-connection-age-grace", c.MaxConnectionAgeGrace,
		"time that the requests of such a connection may still take; 0 means any")
	fs.Uint32Var(&c.NumStreamWorkers, "num-stream-workers", c.NumStreamWorkers,
		"goroutines that are kept to handle requests; 0 gives each request its own")
}
