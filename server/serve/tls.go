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

// Errors of Config.Validate and Start.
var (
	// ErrNoCertificate is returned if a client or metrics URL is https and there is neither a
	// certificate nor ClientAutoTLS.
	ErrNoCertificate = errors.New("https needs a certificate")
	// ErrPeerNotSupported is returned if a peer URL is not http.
	ErrPeerNotSupported = errors.New("members speak to each other in clear over TCP as yet, use http://")
)

// TLSConfig configures https addresses for clients. Names and meanings are those of
// embed.Config.
type TLSConfig struct {
	// ClientTLSInfo names the files: the certificate and its key, the authorities for
	// clients' certificates, and the list of revoked ones. The certificate and its key are
	// read for each handshake, so that they can be replaced while the node runs. A client
	// must show a certificate if TrustedCAFile or ClientCertAuth is set.
	ClientTLSInfo transport.TLSInfo
	// ClientAutoTLS makes a self-signed certificate and keeps it in the data directory,
	// unless ClientTLSInfo names one. It protects against eavesdropping only: clients
	// cannot verify it.
	ClientAutoTLS bool
	// SelfSignedCertValidity is how long that certificate is valid, in years; 0 means
	// DefaultSelfSignedCertValidity.
	SelfSignedCertValidity uint

	// CipherSuites are the names, as in crypto/tls, of the suites allowed for TLS 1.2;
	// empty means Go's defaults. For TLS 1.3 the suites cannot be chosen.
	CipherSuites []string
	// TLSMinVersion and TLSMaxVersion are "TLS1.2" or "TLS1.3". An empty TLSMinVersion
	// means DefaultTLSMinVersion, an empty TLSMaxVersion the newest version.
	TLSMinVersion, TLSMaxVersion string

	// ServeTLSThroughHTTP makes net/http serve all connections with TLS, and pass gRPC
	// requests to grpc.(*Server).ServeHTTP, as etcd does. Without it clients that offer
	// only HTTP/2 go to grpc-go's own transport, which is faster.
	ServeTLSThroughHTTP bool
}

// DefaultTLSConfig returns etcd's defaults: no certificate, TLS 1.2 and above.
func DefaultTLSConfig() TLSConfig {
	return TLSConfig{
		TLSMinVersion:          DefaultTLSMinVersion,
		SelfSignedCertValidity: DefaultSelfSignedCertValidity,
	}
}

// validate is TLSConfig's part of Config.Validate.
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

// openTLS makes the certificate if ClientAutoTLS asks for one, and reads it, so that a mistake
// is found before a client connects. It is the TLS part of embed's
// configureClientListeners upstream.
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

// tlsInfo returns ClientTLSInfo with the versions and cipher suites added. It is embed's
// updateCipherSuites and updateMinMaxVersions upstream.
func (c *TLSConfig) tlsInfo(lg *zap.Logger) (info transport.TLSInfo, err error) {
	info = c.ClientTLSInfo
	info.Logger = lg
	if info.MinVersion, info.MaxVersion, err = c.versions(); err != nil {
		return info, err
	}
	info.CipherSuites, err = c.suites()
	return info, err
}

// serverConfig returns the TLS configuration of a server, after it has read the files.
func serverConfig(info transport.TLSInfo) (*tls.Config, error) {
	cfg, err := info.ServerConfig()
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	info.ConfigureCRLVerification(cfg)
	return cfg, nil
}

// clientSelfCert makes a certificate if ClientAutoTLS asks for one.
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

// ServerConfig returns the TLS configuration of https addresses, for other servers of the
// same program. It returns ErrNoCertificate if no certificate is configured: only the node
// itself may use the certificate that ClientAutoTLS makes.
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

// addressCreds are the credentials of a gRPC server for http and https addresses: the address
// that a connection came to decides whether it needs a TLS handshake. etcd has two servers
// instead.
type addressCreds struct {
	secure credentials.TransportCredentials // nil if there is no certificate
}

// ServerHandshake makes a TLS handshake if the connection came to an https address, and
// returns other connections as they are.
func (c addressCreds) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if g, ok := conn.(*GRPCConn); ok && g.secure {
		return c.secure.ServerHandshake(conn)
	}
	return insecure.NewCredentials().ServerHandshake(conn)
}

// ClientHandshake is never called on a server. It makes no TLS handshake.
func (c addressCreds) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return insecure.NewCredentials().ClientHandshake(ctx, authority, conn)
}

// Info returns that of TLS if there is a certificate.
func (c addressCreds) Info() credentials.ProtocolInfo {
	if c.secure == nil {
		return insecure.NewCredentials().Info()
	}
	return c.secure.Info()
}

// Clone returns a copy.
func (c addressCreds) Clone() credentials.TransportCredentials { return c }

// OverrideServerName does nothing: it is for clients.
func (addressCreds) OverrideServerName(string) error { return nil }

// creds returns the credentials of the gRPC server, wrapped by the Creds seam.
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
