package serve

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"

	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/etcdserver"
	"glasskv/server/v3rpc"
)

// Defaults of Config, the same as etcd's.
const (
	DefaultName                  = "default"
	DefaultListenClientURL       = "http://localhost:2379"
	DefaultListenPeerURL         = "http://localhost:2380"
	DefaultMaxTxnOps             = v3rpc.DefaultMaxTxnOps
	DefaultGRPCKeepAliveMinTime  = 5 * time.Second
	DefaultGRPCKeepAliveInterval = 2 * time.Hour
	DefaultGRPCKeepAliveTimeout  = 20 * time.Second
)

// DefaultMaxConcurrentStreams bounds what one connection can ask for at once; etcd
// has no bound. It is far above what well-behaved clients need, thousands of
// waiting locks included.
const DefaultMaxConcurrentStreams = 10_000

// DefaultConnectionTimeout is shorter than the 120 seconds that grpc-go waits for
// a handshake: a client that connects and says nothing holds a file descriptor.
const DefaultConnectionTimeout = 10 * time.Second

// Config says what a node is. It is copied by Start and fixed afterwards.
// It stands for embed.Config.
type Config struct {
	// Config is the raft side's part. When its ClientURLs are empty, the
	// addresses that the node listens on are published; an empty
	// InitialPeerURLsMap means a cluster of this member alone, at PeerURLs.
	etcdserver.Config

	// ListenClientURLs and ListenPeerURLs are where the node listens, by IP
	// address or localhost. Port 0 takes any free port. Those for clients may be
	// https, unix and unixs as well as http; http and https may share an address.
	ListenClientURLs types.URLs
	ListenPeerURLs   types.URLs
	// ListenClientHTTPURLs are addresses for the gateway and the pages. If there
	// are any, those of ListenClientURLs are for gRPC alone.
	ListenClientHTTPURLs types.URLs

	// TLSConfig is for https addresses.
	TLSConfig

	// HTTPConfig is the part that is for clients which speak HTTP/1.
	HTTPConfig

	// ExtensionConfig is the part that is for code.
	ExtensionConfig

	// MaxTxnOps bounds the operations of a txn; 0 means DefaultMaxTxnOps.
	MaxTxnOps uint
	// MaxConcurrentStreams bounds the requests that one connection may have
	// under way; 0 means DefaultMaxConcurrentStreams.
	MaxConcurrentStreams uint32

	// WatchProgressNotifyInterval is how often watchers that asked for it are told
	// how far they are while nothing happens; 0 means
	// v3rpc.DefaultWatchProgressNotifyInterval.
	WatchProgressNotifyInterval time.Duration

	// GRPCKeepAliveMinTime is how long a client must wait between two pings;
	// one that does not is disconnected. 0 leaves it to grpc-go.
	GRPCKeepAliveMinTime time.Duration
	// GRPCKeepAliveInterval is how long a connection may be silent before the
	// server pings it, and GRPCKeepAliveTimeout how long the server then waits
	// for an answer. When either is 0, both are left to grpc-go.
	GRPCKeepAliveInterval time.Duration
	GRPCKeepAliveTimeout  time.Duration

	// ConnectionTimeout is how long a new connection may take to show what it
	// speaks, then for its handshake, and under HTTP/1 for each request's headers;
	// 0 means DefaultConnectionTimeout.
	ConnectionTimeout time.Duration
	// MaxConnectionAge is how old a connection may become before its client is
	// asked to open another one, and MaxConnectionAgeGrace how long its requests
	// may then go on. 0 means for ever. etcd has no such options.
	MaxConnectionAge      time.Duration
	MaxConnectionAgeGrace time.Duration
	// NumStreamWorkers is the number of goroutines that are kept to handle
	// requests; 0 gives each request a goroutine of its own. etcd has no such
	// option.
	NumStreamWorkers uint32
}

// DefaultConfig returns the configuration of a new single member with etcd's
// defaults, listening on localhost:2379 and localhost:2380.
func DefaultConfig(name, dataDir string) Config {
	cfg := Config{
		Config:                etcdserver.DefaultConfig(name, dataDir),
		HTTPConfig:            DefaultHTTPConfig(),
		TLSConfig:             DefaultTLSConfig(),
		ExtensionConfig:       DefaultExtensionConfig(),
		ListenClientURLs:      types.MustNewURLs([]string{DefaultListenClientURL}),
		ListenPeerURLs:        types.MustNewURLs([]string{DefaultListenPeerURL}),
		ConnectionTimeout:     DefaultConnectionTimeout,
		MaxTxnOps:             DefaultMaxTxnOps,
		MaxConcurrentStreams:  DefaultMaxConcurrentStreams,
		GRPCKeepAliveMinTime:  DefaultGRPCKeepAliveMinTime,
		GRPCKeepAliveInterval: DefaultGRPCKeepAliveInterval,
		GRPCKeepAliveTimeout:  DefaultGRPCKeepAliveTimeout,
	}
	cfg.PeerURLs = types.MustNewURLs([]string{DefaultListenPeerURL})
	return cfg
}

// Validate checks the addresses, so that a mistake is found before a socket or
// a file is opened.
func (c *Config) Validate() error {
	if len(c.ListenClientURLs) == 0 {
		return errors.New("no client URL to listen on")
	}
	for _, u := range slices.Concat(c.ListenClientURLs, c.ListenClientHTTPURLs, c.ListenMetricsURLs) {
		if err := errors.Join(checkBindURL(u), c.checkSecure(u)); err != nil {
			return fmt.Errorf("listen URL %s: %w", u.String(), err)
		}
	}
	for _, u := range c.ListenPeerURLs {
		if err := errors.Join(checkBindURL(u), checkPeerScheme(u)); err != nil {
			return fmt.Errorf("listen URL %s: %w", u.String(), err)
		}
	}
	for _, u := range c.PeerURLs {
		if err := checkPeerScheme(u); err != nil {
			return fmt.Errorf("advertised URL %s: %w", u.String(), err)
		}
	}
	return errors.Join(c.TLSConfig.validate(), c.HTTPConfig.validate())
}

// checkBindURL accepts what a socket can be bound to. Other names than
// localhost are refused, as in etcd: they may resolve to an address that is not
// this machine's, or to several.
func checkBindURL(u url.URL) error {
	if u.Scheme == "unix" || u.Scheme == "unixs" {
		return nil
	}
	if host := u.Hostname(); host != "localhost" && net.ParseIP(host) == nil {
		return fmt.Errorf("%q is neither an IP address nor localhost", host)
	}
	return nil
}

// checkSecure refuses an address that asks for TLS when there is no certificate.
func (c *Config) checkSecure(u url.URL) error {
	if _, _, secure := resolveURL(u); secure && c.ClientTLSInfo.Empty() && !c.ClientAutoTLS {
		return ErrNoCertificate
	}
	return nil
}

// checkPeerScheme refuses what the peers' side does not know yet.
func checkPeerScheme(u url.URL) error {
	if u.Scheme != "http" {
		return ErrPeerNotSupported
	}
	return nil
}

// withDefaults fills what is zero and has a default that zero does not mean.
func (c Config) withDefaults() Config {
	if c.MaxConcurrentStreams == 0 {
		c.MaxConcurrentStreams = DefaultMaxConcurrentStreams
	}
	if c.ConnectionTimeout == 0 {
		c.ConnectionTimeout = DefaultConnectionTimeout
	}
	if c.MaxRequestBytes == 0 {
		c.MaxRequestBytes = etcdserver.DefaultMaxRequestBytes
	}
	if len(c.InitialPeerURLsMap) == 0 {
		c.InitialPeerURLsMap = types.URLsMap{c.Name: c.PeerURLs}
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return c
}

// Levels of detail for HTTPConfig.Metrics.
const (
	// MetricsBasic counts calls.
	MetricsBasic = "basic"
	// MetricsExtensive measures them as well, in a histogram for each method.
	MetricsExtensive = "extensive"
)

// HTTPConfig says what a node offers to clients that speak HTTP/1, and to whom.
// The names are those of embed.Config.
type HTTPConfig struct {
	// EnableGRPCGateway serves the API as JSON under /v3/.
	EnableGRPCGateway bool

	// CORS holds the origins whose pages may read the answers in a browser, and
	// HostWhitelist the host names under which clear HTTP is answered. Nothing
	// or "*" stands for any.
	CORS          map[string]struct{}
	HostWhitelist map[string]struct{}

	// Metrics is MetricsBasic or MetricsExtensive; empty means the former.
	Metrics string
	// ListenMetricsURLs are addresses on which /metrics and the health pages are
	// served as well, and nothing else.
	ListenMetricsURLs types.URLs

	// UserHandlers are pages of the program that embeds the node, by their
	// pattern in an http.ServeMux. They stand behind the same rules as the node's
	// own, which they cannot replace.
	UserHandlers map[string]http.Handler
}

// DefaultHTTPConfig returns etcd's defaults: the gateway is on, for everyone who
// can reach the address.
func DefaultHTTPConfig() HTTPConfig {
	return HTTPConfig{
		EnableGRPCGateway: true,
		CORS:              map[string]struct{}{"*": {}},
		HostWhitelist:     map[string]struct{}{"*": {}},
		Metrics:           MetricsBasic,
	}
}

// validate checks what can be told before anything is opened.
func (c *HTTPConfig) validate() error {
	switch c.Metrics {
	case "", MetricsBasic, MetricsExtensive:
	default:
		return fmt.Errorf("metrics %q: use %s or %s", c.Metrics, MetricsBasic, MetricsExtensive)
	}
	for pattern, h := range c.UserHandlers {
		if pattern == "" || h == nil {
			return errors.New("user handler without a pattern or a handler")
		}
	}
	return nil
}

// ExtensionConfig is what a program that runs a node in itself may add to the
// node, and which of the optional services it serves. docs/extending.md has an
// example.
type ExtensionConfig struct {
	// ServiceRegister registers services of one's own on the node's gRPC server.
	// It is called once, by Start, after the node's services. It stands for
	// embed.Config.ServiceRegister, which is given the *grpc.Server: here it is
	// given only what registers, so that no service gets past the ServiceDesc
	// seam.
	ServiceRegister func(grpc.ServiceRegistrar)

	// GRPCAdditionalServerOptions come after the node's own options and before
	// those of its seams. It stands for embed.Config.GRPCAdditionalServerOptions.
	GRPCAdditionalServerOptions []grpc.ServerOption

	// EnableGRPCReflection lets clients ask for the services and their messages,
	// so that grpcurl needs no .proto files. etcd does not have it.
	EnableGRPCReflection bool

	// StopGRPCServiceOnDefrag makes the health service say NOT_SERVING while a
	// defragmentation is under way. It is etcd's feature of that name.
	StopGRPCServiceOnDefrag bool
}

// DefaultExtensionConfig returns the configuration without additions.
func DefaultExtensionConfig() ExtensionConfig {
	return ExtensionConfig{EnableGRPCReflection: true}
}
