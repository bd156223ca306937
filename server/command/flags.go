package command

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/pkg/v3/flags"
	"go.uber.org/zap"

	"glasskv/server/serve"
)

const (
	clusterStateNew      = "new"
	clusterStateExisting = "existing"

	// maxElectionMs is etcd's upper bound for an election timeout, which is long
	// enough for clusters around the globe.
	maxElectionMs = 50000
)

// serveFlags are the values of `glasskv serve`'s flags. Those that need no conversion
// are written to cfg directly; config converts the others.
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

// add declares the flags, with etcd's names and defaults.
func (f *serveFlags) add(fs *pflag.FlagSet) {
	f.addMember(fs)
	f.addTLS(fs)
	f.addHTTP(fs)
	f.addCluster(fs)
	f.addRaft(fs)
	f.addLimits(fs)
	f.addServices(fs)
	fs.StringVar(&f.logLevel, "log-level", "info", "lowest level to log: debug, info, warn, error, panic or fatal")
	fs.StringVar(&f.logFormat, "log-format", "console", "console for people, or json as in etcd")
}

func (f *serveFlags) addMember(fs *pflag.FlagSet) {
	fs.StringVar(&f.cfg.Name, "name", f.cfg.Name, "name of this member")
	fs.StringVar(&f.cfg.DataDir, "data-dir", "", `data directory (default "<name>.glasskv")`)
	fs.StringSliceVar(&f.listenClientURLs, "listen-client-urls", []string{serve.DefaultListenClientURL},
		"URLs to serve clients on; port 0 takes any free port")
	fs.StringSliceVar(&f.listenHTTPURLs, "listen-client-http-urls", nil,
		"URLs to serve HTTP on; those of --listen-client-urls then serve gRPC only")
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
		"distinguishes clusters whose members have the same names and URLs")
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
		"log entries kept after a snapshot for slow members")
	fs.UintVar(&c.MaxSnapFiles, "max-snapshots", c.MaxSnapFiles, "snapshot files to keep; 0 keeps all")
	fs.UintVar(&c.MaxWALFiles, "max-wals", c.MaxWALFiles, "log files to keep; 0 keeps all")
	fs.Int64Var(&c.QuotaBackendBytes, "quota-backend-bytes", c.QuotaBackendBytes,
		"size of the database in bytes above which writes are refused; 0 means 2 GiB, a negative value no limit")
	fs.DurationVar(&c.BackendBatchInterval, "backend-batch-interval", c.BackendBatchInterval,
		"time until writes are committed to the database; 0 means 100ms")
	fs.IntVar(&c.BackendBatchLimit, "backend-batch-limit", c.BackendBatchLimit,
		"number of writes until they are committed to the database; 0 means 10000")
}

func (f *serveFlags) addLimits(fs *pflag.FlagSet) {
	c := &f.cfg
	fs.UintVar(&c.MaxRequestBytes, "max-request-bytes", c.MaxRequestBytes, "size of the largest request, in bytes")
	fs.UintVar(&c.MaxTxnOps, "max-txn-ops", c.MaxTxnOps, "largest number of operations in a transaction")
	fs.Uint32Var(&c.MaxConcurrentStreams, "max-concurrent-streams", c.MaxConcurrentStreams,
		"largest number of requests under way on one connection")
	fs.DurationVar(&c.WatchProgressNotifyInterval, "watch-progress-notify-interval", c.WatchProgressNotifyInterval,
		"time between two progress notifications to watchers that ask for them; 0 means 10m")
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
		"time that the requests of such a connection may still take; 0 means no limit")
	fs.Uint32Var(&c.NumStreamWorkers, "num-stream-workers", c.NumStreamWorkers,
		"number of goroutines kept to handle requests; 0 gives each request its own")
}

// addServices declares the flags for what is served beside etcd's services.
func (f *serveFlags) addServices(fs *pflag.FlagSet) {
	fs.BoolVar(&f.cfg.EnableGRPCReflection, "grpc-reflection", f.cfg.EnableGRPCReflection,
		"let clients such as grpcurl ask for the services and their messages")
	fs.Func("feature-gates", "etcd's features to switch on or off, as Name=true,…; the only one here is StopGRPCServiceOnDefrag", f.setFeatures)
}

// setFeatures parses a list of features as etcd's flag takes it.
func (f *serveFlags) setFeatures(list string) error {
	gates := map[string]*bool{
		"StopGRPCServiceOnDefrag": &f.cfg.StopGRPCServiceOnDefrag,
	}
	for feature := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(feature), "=")
		gate, ok := gates[name]
		if !ok {
			return fmt.Errorf("feature %q is not known here", name)
		}
		on, err := strconv.ParseBool(value)
		if err != nil {
			return fmt.Errorf("feature %s: use %s=true or %s=false", name, name, name)
		}
		*gate = on
	}
	return nil
}

// addTLS declares the flags for https addresses, with etcd's names where etcd has the
// flag.
func (f *serveFlags) addTLS(fs *pflag.FlagSet) {
	c, info := &f.cfg.TLSConfig, &f.cfg.ClientTLSInfo
	fs.StringVar(&info.CertFile, "cert-file", "", "certificate for https addresses; it may be replaced while the server runs")
	fs.StringVar(&info.KeyFile, "key-file", "", "private key of --cert-file")
	fs.BoolVar(&info.ClientCertAuth, "client-cert-auth", false, "require clients to show a certificate")
	fs.StringVar(&info.TrustedCAFile, "trusted-ca-file", "", "file of the authorities, one of which must have signed a client's certificate")
	fs.StringVar(&info.CRLFile, "client-crl-file", "", "revocation list for clients' certificates, as DER")
	fs.StringSliceVar(&info.AllowedHostnames, "client-cert-allowed-hostname", nil,
		"host names; a client's certificate must have one of them")
	fs.StringVar(&info.ClientCertFile, "client-cert-file", "",
		"certificate with which the gateway calls the server, if clients must show one (default: that of --cert-file)")
	fs.StringVar(&info.ClientKeyFile, "client-key-file", "", "private key of --client-cert-file")
	fs.BoolVar(&c.ClientAutoTLS, "auto-tls", false, "make a self-signed certificate for https addresses; clients have no reason to trust it")
	fs.UintVar(&c.SelfSignedCertValidity, "self-signed-cert-validity", c.SelfSignedCertValidity,
		"years for which a certificate of --auto-tls is valid")
	fs.StringSliceVar(&c.CipherSuites, "cipher-suites", nil, "cipher suites for TLS 1.2, by their names in Go (default: Go's choice)")
	fs.StringVar(&c.TLSMinVersion, "tls-min-version", c.TLSMinVersion, "lowest TLS version, TLS1.2 or TLS1.3")
	fs.StringVar(&c.TLSMaxVersion, "tls-max-version", c.TLSMaxVersion, "highest TLS version (default: the newest)")
	fs.BoolVar(&c.ServeTLSThroughHTTP, "serve-tls-through-http", false,
		"serve gRPC over TLS through net/http and ServeHTTP, as etcd does, to see the difference")
}

// httpFlags are the values of flags for HTTP that config has to convert.
type httpFlags struct {
	cors          []string
	hostWhitelist []string
	metricsURLs   []string
}

// addHTTP declares the flags for clients that speak HTTP/1, and for the debug pages.
func (f *serveFlags) addHTTP(fs *pflag.FlagSet) {
	c := &f.cfg.HTTPConfig
	fs.BoolVar(&c.EnableGRPCGateway, "enable-grpc-gateway", c.EnableGRPCGateway, "serve the API as JSON under /v3/")
	fs.StringSliceVar(&f.http.cors, "cors", []string{"*"},
		"origins whose pages may read the answers in a browser; * for any")
	fs.StringSliceVar(&f.http.hostWhitelist, "host-whitelist", []string{"*"},
		"host names under which HTTP without TLS is answered; * for any")
	fs.StringVar(&c.Metrics, "metrics", c.Metrics, "basic, or extensive, which adds how long gRPC calls take")
	fs.StringSliceVar(&f.http.metricsURLs, "listen-metrics-urls", nil,
		"further URLs to serve /metrics and the health pages on")
	f.debugURL.given = true // its default is empty, so no default port may be replaced
	fs.Var(&f.debugURL, "listen-debug-url",
		"URL to serve profiles, channelz and the last calls on, such as http://127.0.0.1:2377; empty for nowhere")
}

// addTo writes the values to cfg. Its errors name the flag.
func (f *httpFlags) addTo(cfg *serve.Config) error {
	for _, origin := range f.cors {
		if u, err := url.Parse(origin); origin != "*" && (err != nil || u.Scheme == "" || u.Host == "") {
			return fmt.Errorf("--cors: %q is neither * nor an origin such as http://example.com", origin)
		}
	}
	cfg.CORS, cfg.HostWhitelist = setOf(f.cors), setOf(f.hostWhitelist)
	if len(f.metricsURLs) == 0 {
		return nil
	}
	urls, err := types.NewURLs(f.metricsURLs)
	if err != nil {
		return fmt.Errorf("--listen-metrics-urls: %w", err)
	}
	cfg.ListenMetricsURLs = urls
	return nil
}

func setOf(names []string) map[string]struct{} {
	s := make(map[string]struct{}, len(names))
	for _, name := range names {
		s[name] = struct{}{}
	}
	return s
}

// byteSize is the value of a flag in bytes, written as 32MiB for example.
type byteSize int64

func (b *byteSize) String() string { return humanize.IBytes(uint64(*b)) }
func (b *byteSize) Type() string   { return "size" }

func (b *byteSize) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil {
		return fmt.Errorf("%q is not a size such as 32MiB", s)
	}
	*b = byteSize(n)
	return nil
}

// envPrefix is the prefix of the flags' environment variables, ETCD in etcd: the
// variable for --data-dir is GLASSKV_DATA_DIR.
const envPrefix = "GLASSKV"

// setFromEnv takes the value of each flag that was not given from its environment
// variable, if that exists.
func setFromEnv(fs *pflag.FlagSet) error {
	return flags.SetPflagsFromEnv(nil, envPrefix, fs)
}

// warnUnknownEnv logs a warning for each variable that has the prefix but belongs to
// no flag, because of a typing error for example.
func warnUnknownEnv(lg *zap.Logger, fs *pflag.FlagSet) {
	var known []string
	fs.VisitAll(func(f *pflag.Flag) { known = append(known, flags.FlagToEnv(envPrefix, f.Name)) })
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, envPrefix+"_") && !slices.Contains(known, name) {
			lg.Warn("unrecognized environment variable", zap.String("variable", name))
		}
	}
}

// config returns the configuration that the flags make. Its errors name the flag.
func (f *serveFlags) config() (serve.Config, error) {
	cfg := f.cfg
	if cfg.DataDir == "" {
		cfg.DataDir = cfg.Name + ".glasskv"
	}
	if err := f.addURLs(&cfg); err != nil {
		return cfg, err
	}
	if err := f.http.addTo(&cfg); err != nil {
		return cfg, err
	}
	if err := f.addInitialCluster(&cfg); err != nil {
		return cfg, err
	}
	if err := f.checkTimes(); err != nil {
		return cfg, err
	}
	cfg.ElectionTicks = int(f.electionMs / cfg.TickMs)
	// In etcd's flags 0 means "keep all"; in the configuration it means "not given".
	for _, files := range []*uint{&cfg.MaxSnapFiles, &cfg.MaxWALFiles} {
		if *files == 0 {
			*files = math.MaxInt32
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, withRemedy(err)
	}
	return cfg, nil
}

func (f *serveFlags) addURLs(cfg *serve.Config) error {
	for _, flag := range []struct {
		name   string
		values []string
		urls   *types.URLs
	}{
		{"listen-client-urls", f.listenClientURLs, &cfg.ListenClientURLs},
		{"listen-client-http-urls", f.listenHTTPURLs, &cfg.ListenClientHTTPURLs},
		{"listen-peer-urls", f.listenPeerURLs, &cfg.ListenPeerURLs},
		{"advertise-client-urls", f.advertiseClientURLs, &cfg.ClientURLs},
		{"initial-advertise-peer-urls", f.advertisePeerURLs, &cfg.PeerURLs},
	} {
		if len(flag.values) == 0 {
			continue
		}
		urls, err := types.NewURLs(flag.values)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag.name, err)
		}
		*flag.urls = urls
	}
	return nil
}

// addInitialCluster sets the members of a new cluster. Without --initial-cluster it
// has this member alone.
func (f *serveFlags) addInitialCluster(cfg *serve.Config) error {
	switch f.clusterState {
	case clusterStateNew, clusterStateExisting:
		cfg.NewCluster = f.clusterState == clusterStateNew
	default:
		return fmt.Errorf("--initial-cluster-state %q: use new or existing", f.clusterState)
	}
	if f.initialCluster == "" {
		cfg.InitialPeerURLsMap = types.URLsMap{cfg.Name: cfg.PeerURLs}
		return nil
	}
	members, err := types.NewURLsMap(f.initialCluster)
	if err != nil {
		return fmt.Errorf("--initial-cluster: %w", err)
	}
	own, ok := members[cfg.Name]
	if !ok {
		return fmt.Errorf("--initial-cluster %q does not name this member, %q: give it with --name", f.initialCluster, cfg.Name)
	}
	if own.String() != cfg.PeerURLs.String() {
		return fmt.Errorf("--initial-cluster has %s for this member, --initial-advertise-peer-urls has %s: they must agree", own, cfg.PeerURLs)
	}
	cfg.InitialPeerURLsMap = members
	return nil
}

// checkTimes applies etcd's rules for the heartbeat interval and the election timeout.
// With other values, a cluster could not keep a leader.
func (f *serveFlags) checkTimes() error {
	switch {
	case f.cfg.TickMs == 0:
		return errors.New("--heartbeat-interval must be above 0")
	case f.electionMs < 5*f.cfg.TickMs:
		return fmt.Errorf("--election-timeout (%d ms) must be at least 5 times --heartbeat-interval (%d ms)", f.electionMs, f.cfg.TickMs)
	case f.electionMs > maxElectionMs:
		return fmt.Errorf("--election-timeout (%d ms) must not be above %d ms", f.electionMs, maxElectionMs)
	}
	return nil
}
