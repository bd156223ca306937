package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"go.etcd.io/etcd/client/pkg/v3/tlsutil"
	"go.etcd.io/etcd/client/pkg/v3/transport"
)

// Defaults of TLSConfig, the same as etcd's.
const (
	DefaultTLSMinVersion          = string(tlsutil.TLSVersion12)
	DefaultSelfSignedCertValidity = 1
)

// Errors that Start returns for TLS that cannot be had.
var (
	// ErrNoCertificate is returned when a client URL is https and there is
	// neither a certificate nor ClientAutoTLS.
	ErrNoCertificate = errors.New("https needs a certificate")
	// ErrPeerNotSupported is returned when a peer URL is anything but http.
	ErrPeerNotSupported = errors.New("members speak to each other in clear over TCP as yet, use http://")
)

// TLSConfig says how clients of https addresses are served. Names and meaning
// are those of embed.Config.
type TLSConfig struct {
	// ClientTLSInfo names the files: certificate and key, which are read again
	// with each handshake, so that they can be replaced while the node runs; and
	// the authorities that clients' certificates must come from, with the list of
	// those revoked. A client must show a certificate when TrustedCAFile or
	// ClientCertAuth is set.
	ClientTLSInfo transport.TLSInfo
	// ClientAutoTLS has a certificate made and kept in the data directory,
	// unless ClientTLSInfo names one. Nobody has reason to trust it: it keeps
	// listeners out, and nobody else.
	ClientAutoTLS bool
	// SelfSignedCertValidity is how long it is valid, in years; 0 means
	// DefaultSelfSignedCertValidity.
	SelfSignedCertValidity uint

	// CipherSuites are the suites to choose from, by their names in crypto/tls;
	// empty leaves it to Go. TLS 1.3 has its own and does not ask.
	CipherSuites []string
	// TLSMinVersion and TLSMaxVersion are "TLS1.2" or "TLS1.3"; empty stands for
	// DefaultTLSMinVersion, and for the newest.
	TLSMinVersion, TLSMaxVersion string

	// ServeTLSThroughHTTP gives gRPC requests that come over TLS to net/http,
	// which gives them to grpc.(*Server).ServeHTTP, as etcd does. Without it they
	// go to grpc-go's own transport, which is quicker.
	ServeTLSThroughHTTP bool
}

// DefaultTLSConfig returns etcd's defaults: no certificate, TLS 1.2 and above.
func DefaultTLSConfig() TLSConfig {
	return TLSConfig{
		TLSMinVersion:          DefaultTLSMinVersion,
		SelfSignedCertValidity: DefaultSelfSignedCertValidity,
	}
}

// validate checks what can be told before a file is opened.
func (c *TLSConfig) validate() error {
	if (c.ClientTLSInfo.CertFile == "") != (c.ClientTLSInfo.KeyFile == "") {
		return errors.New("a certificate and its key must be given together")
	}
	lowest, highest, err := c.versions()
	if err != nil {
		return err
	}
	if highest != 0 && lowest > highest {
		return fmt.Errorf("lowest TLS version %s is above the highest, %s", c.TLSMinVersion, c.TLSMaxVersion)
	}
	suites, err := c.suites()
	if err != nil {
		return err
	}
	if lowest == tls.VersionTLS13 && len(suites) > 0 {
		return errors.New("cipher suites cannot be chosen for TLS 1.3")
	}
	return nil
}

func (c *TLSConfig) versions() (lowest, highest uint16, err error) {
	if lowest, err = tlsutil.GetTLSVersion(c.TLSMinVersion); err != nil {
		return 0, 0, fmt.Errorf("lowest TLS version %q: use TLS1.2 or TLS1.3", c.TLSMinVersion)
	}
	if highest, err = tlsutil.GetTLSVersion(c.TLSMaxVersion); err != nil {
		return 0, 0, fmt.Errorf("highest TLS version %q: use TLS1.2 or TLS1.3", c.TLSMaxVersion)
	}
	return lowest, highest, nil
}

func (c *TLSConfig) suites() ([]uint16, error) {
	var suites []uint16
	for _, name := range c.CipherSuites {
		suite, ok := tlsutil.GetCipherSuite(name)
		if !ok {
			return nil, fmt.Errorf("cipher suite %q is not known", name)
		}
		suites = append(suites, suite)
	}
	return suites, nil
}

// openTLS makes sure that there is a certificate, if one is needed, and reads it
// once, so that a mistake is found before anybody connects. It stands for
// embed's configureClientListeners, as far as that is about TLS.
func (n *Node) openTLS() (err error) {
	if err = n.cfg.clientSelfCert(n.lg, n.cfg.DataDir, n.clients.hosts()); err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	if n.cfg.ClientTLSInfo.Empty() {
		return nil
	}
	n.cfg.ClientTLSInfo, err = n.cfg.tlsInfo(n.lg)
	if err != nil {
		return err
	}
	n.tls, err = serverConfig(n.cfg.ClientTLSInfo)
	return err
}

// tlsInfo returns ClientTLSInfo with all that is set beside it. It stands for
// embed's updateCipherSuites and updateMinMaxVersions.
func (c *TLSConfig) tlsInfo(lg *zap.Logger) (info transport.TLSInfo, err error) {
	info = c.ClientTLSInfo
	info.Logger = lg
	if info.MinVersion, info.MaxVersion, err = c.versions(); err != nil {
		return info, err
	}
	info.CipherSuites, err = c.suites()
	return info, err
}

// serverConfig reads the certificate once.
func serverConfig(info transport.TLSInfo) (*tls.Config, error) {
	cfg, err := info.ServerConfig()
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	info.ConfigureCRLVerification(cfg)
	return cfg, nil
}

// clientSelfCert makes a certificate where ClientAutoTLS asks for one.
func (c *TLSConfig) clientSelfCert(lg *zap.Logger, dataDir string, hosts []string) (err error) {
	if !c.ClientAutoTLS {
		return nil
	}
	if !c.ClientTLSInfo.Empty() {
		lg.Warn("a certificate is given: none is made")
		return nil
	}
	years := c.SelfSignedCertValidity
	if years == 0 {
		years = DefaultSelfSignedCertValidity
	}
	made, err := transport.SelfCert(lg, filepath.Join(dataDir, "fixtures", "client"), hosts, years)
	if err != nil {
		return err
	}
	c.ClientTLSInfo.CertFile, c.ClientTLSInfo.KeyFile = made.CertFile, made.KeyFile
	return nil
}

// ServerConfig returns how https addresses are secured, for pages of the same
// program that have an address of their own. It returns ErrNoCertificate when no
// certificate is given; one that ClientAutoTLS would make is the node's alone.
func (c TLSConfig) ServerConfig(lg *zap.Logger) (*tls.Config, error) {
	if c.ClientTLSInfo.Empty() {
		return nil, ErrNoCertificate
	}
	info, err := c.tlsInfo(lg)
	if err != nil {
		return nil, err
	}
	return serverConfig(info)
}

// addressCreds are the credentials of a gRPC server that serves http and https
// addresses alike: what a connection needs is decided by the address that it came
// to. etcd has a server of its own for each instead.
type addressCreds struct {
	secure credentials.TransportCredentials // nil when no address is https
}

// ServerHandshake goes through a TLS handshake with those that came to an https
// address, and lets the others pass.
func (c addressCreds) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if g, ok := conn.(*GRPCConn); ok && g.secure {
		return c.secure.ServerHandshake(conn)
	}
	return insecure.NewCredentials().ServerHandshake(conn)
}

// ClientHandshake is not for servers.
func (c addressCreds) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return insecure.NewCredentials().ClientHandshake(ctx, authority, conn)
}

// Info describes the stronger of the two.
func (c addressCreds) Info() credentials.ProtocolInfo {
	if c.secure == nil {
		return insecure.NewCredentials().Info()
	}
	return c.secure.Info()
}

// Clone returns a copy.
func (c addressCreds) Clone() credentials.TransportCredentials { return c }

// OverrideServerName is for clients, and does nothing.
func (addressCreds) OverrideServerName(string) error { return nil }

// creds returns the credentials of the gRPC server.
func (n *Node) creds() credentials.TransportCredentials {
	var creds addressCreds
	if n.tls != nil {
		creds.secure = credentials.NewTLS(n.tls)
	}
	if n.seams.Creds != nil {
		return n.seams.Creds(creds)
	}
	return creds
}
