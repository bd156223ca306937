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

// DefaultMaxConcurrentStreams is how many requests a connection may have under way. It is
// far above what well-behaved clients need, thousands of waiting locks included; etcd has
// no limit.
const DefaultMaxConcurrentStreams = 10_000

// DefaultConnectionTimeout is shorter than the 120 seconds that grpc-go allows for a
// handshake: a client that connects and sends nothing occupies a file descriptor.
const DefaultConnectionTimeout = 10 * time.Second

// Config configures a node. Start copies it; later changes have no effect. It is
// embed.Config upstream.
type Config struct {
	// Config configures the raft side. If its ClientURLs are empty, the node publishes
	// the addresses that it listens on. An empty InitialPeerURLsMap means a cluster of
	// this member alone, at PeerURLs.
	etcdserver.Config

	// ListenClientURLs and ListenPeerURLs are where the node listens: an IP address or
	// localhost, and a port; port 0 means any free port. Those for clients may be http,
	// https, unix or unixs; http and https may share an address.
	ListenClientURLs types.URLs
	ListenPeerURLs   types.URLs
	// ListenClientHTTPURLs are addresses for the gateway and the pages. If it is not
	// empty, ListenClientURLs are for gRPC alone.
	ListenClientHTTPURLs types.URLs

	// TLSConfig configures https addresses.
	TLSConfig

	// HTTPConfig configures the gateway and the pages, for clients that speak HTTP/1.
	HTTPConfig

	// ExtensionConfig configures optional services and those of the embedding program.
	ExtensionConfig

	// MaxTxnOps is how many operations a txn may have; 0 means DefaultMaxTxnOps.
	MaxTxnOps uint
	// MaxConcurrentStreams is how many requests a connection may have under way; 0
	// means DefaultMaxConcurrentStreams.
	MaxConcurrentStreams uint32

	// WatchProgressNotifyInterval is the time between two progress notifications to a
	// watcher that asked for them and had no events; 0 means
	// v3rpc.DefaultWatchProgressNotifyInterval.
	WatchProgressNotifyInterval time.Duration

	// GRPCKeepAliveMinTime is how long a client must wait between two pings; a client
	// that pings more often is disconnected. 0 means grpc-go's default.
	GRPCKeepAliveMinTime time.Duration
	// GRPCKeepAliveInterval is how long a connection may be silent before the server
	// pings it, and GRPCKeepAliveTimeout how long the server then waits for an answer.
	// If either is 0, both have grpc-go's defaults.
	GRPCKeepAliveInterval time.Duration
	GRPCKeepAliveTimeout  time.Duration

	// ConnectionTimeout is how long a new connection may take to send its first bytes,
	// then for its handshake, and under HTTP/1 for the headers of each request; 0 means
	// DefaultConnectionTimeout.
	ConnectionTimeout time.Duration
	// MaxConnectionAge is how old a connection may become before its client is asked to
	// open another one, and MaxConnectionAgeGrace how long its requests may then go on.
	// 0 means no limit. etcd has no such options.
	MaxConnectionAge      time.Duration
	MaxConnectionAgeGrace time.Duration
	// NumStreamWorkers is the number of goroutines that handle all requests; 0 gives each
	// request a goroutine of its own. etcd has no such option.
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

// Validate returns the errors in the configuration that can be found without opening a
// socket or a file. Start calls it first.
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

// checkBindURL returns an error unless a socket can be bound to u. As in etcd, localhost is
// the only host name allowed: others may resolve to another machine's address, or to
// several.
func checkBindURL(u url.URL) error {
	if u.Scheme == "unix" || u.Scheme == "unixs" {
		return nil
	}
	if host := u.Hostname(); host != "localhost" && net.ParseIP(host) == nil {
		return fmt.Errorf("%q is neither an IP address nor localhost", host)
	}
	return nil
}

// checkSecure returns ErrNoCertificate if u needs TLS and there will be no certificate.
func (c *Config) checkSecure(u url.URL) error {
	if _, _, secure := resolveURL(u); secure && c.ClientTLSInfo.Empty() && !c.ClientAutoTLS {
		return ErrNoCertificate
	}
	return nil
}

// checkPeerScheme returns ErrPeerNotSupported unless u is http.
func checkPeerScheme(u url.URL) error {
	if u.Scheme != "http" {
		return ErrPeerNotSupported
	}
	return nil
}

// withDefaults returns a copy with the defaults in place of zero values.
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

// HTTPConfig configures what a node serves to clients that speak HTTP/1, and which of them
// it serves. The names are those of embed.Config.
type HTTPConfig struct {
	// EnableGRPCGateway serves the API as JSON under /v3/.
	EnableGRPCGateway bool

	// CORS holds the origins whose pages may read the answers in a browser, and
	// HostWhitelist the host names for which requests without TLS are answered. An
	// empty set, or one with "*", allows all.
	CORS          map[string]struct{}
	HostWhitelist map[string]struct{}

	// Metrics is MetricsBasic or MetricsExtensive; empty means MetricsBasic.
	Metrics string
	// ListenMetricsURLs are additional addresses that serve /metrics and the health pages
	// and nothing else.
	ListenMetricsURLs types.URLs

	// UserHandlers are pages of the program that embeds the node, by their pattern in an
	// http.ServeMux. The same access rules apply to them as to the node's own pages, which
	// they cannot replace.
	UserHandlers map[string]http.Handler
}

// DefaultHTTPConfig returns etcd's defaults: the gateway is on, and all hosts and origins
// are allowed.
func DefaultHTTPConfig() HTTPConfig {
	return HTTPConfig{
		EnableGRPCGateway: true,
		CORS:              map[string]struct{}{"*": {}},
		HostWhitelist:     map[string]struct{}{"*": {}},
		Metrics:           MetricsBasic,
	}
}

// validate is HTTPConfig's part of Config.Validate.
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

// ExtensionConfig holds what a program that embeds a node may add to it, and which of the
// optional services the node serves. docs/extending.md has an example.
type ExtensionConfig struct {
	// ServiceRegister registers the embedding program's services on the node's gRPC
	// server. Start calls it once, after it has registered the node's services. Upstream
	// has a field of the same name, which gets the *grpc.Server; here it gets only a
	// registrar, so that every service passes the ServiceDesc seam.
	ServiceRegister func(grpc.ServiceRegistrar)

	// GRPCAdditionalServerOptions come after the node's own options and before those of
	// its seams. Upstream has a field of the same name.
	GRPCAdditionalServerOptions []grpc.ServerOption

	// EnableGRPCReflection serves descriptions of the services and their messages, so that
	// grpcurl needs no .proto files. etcd does not have it.
	EnableGRPCReflection bool

	// StopGRPCServiceOnDefrag makes the health service answer NOT_SERVING during a
	// defragmentation. It is etcd's feature gate of that name.
	StopGRPCServiceOnDefrag bool
}

// DefaultExtensionConfig returns a configuration with reflection and nothing else.
func DefaultExtensionConfig() ExtensionConfig {
	return ExtensionConfig{EnableGRPCReflection: true}
}
