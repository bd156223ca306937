package command

import (
	"github.com/spf13/pflag"
)

// addTLS declares the flags for https addresses. Those of etcd have its names.
func (f *serveFlags) addTLS(fs *pflag.FlagSet) {
	c, info := &f.cfg.TLSConfig, &f.cfg.ClientTLSInfo
	fs.StringVar(&info.CertFile, "cert-file", "", "certificate for https addresses; it may be replaced while the server runs")
	fs.StringVar(&info.KeyFile, "key-file", "", "key of the certificate")
	fs.BoolVar(&info.ClientCertAuth, "client-cert-auth", false, "ask clients for a certificate")
	fs.StringVar(&info.TrustedCAFile, "trusted-ca-file", "", "authorities that clients' certificates must come from")
	fs.StringVar(&info.CRLFile, "client-crl-file", "", "list of clients' certificates that were revoked, as DER")
	fs.StringSliceVar(&info.AllowedHostnames, "client-cert-allowed-hostname", nil,
		"host names of which a client's certificate must have one")
	fs.StringVar(&info.ClientCertFile, "client-cert-file", "",
		"certificate with which the gateway calls the server, if clients must show one (default: that of --cert-file)")
	fs.StringVar(&info.ClientKeyFile, "client-key-file", "", "its key")
	fs.BoolVar(&c.ClientAutoTLS, "auto-tls", false, "make a certificate for https addresses, which nobody has reason to trust")
	fs.UintVar(&c.SelfSignedCertValidity, "self-signed-cert-validity", c.SelfSignedCertValidity,
		"years for which a certificate of --auto-tls is valid")
	fs.StringSliceVar(&c.CipherSuites, "cipher-suites", nil, "cipher suites for TLS 1.2, by their names in Go (default: Go's choice)")
	fs.StringVar(&c.TLSMinVersion, "tls-min-version", c.TLSMinVersion, "lowest TLS version, TLS1.2 or TLS1.3")
	fs.StringVar(&c.TLSMaxVersion, "tls-max-version", c.TLSMaxVersion, "highest TLS version (default: the newest)")
	fs.BoolVar(&c.ServeTLSThroughHTTP, "serve-tls-through-http", false,
		"serve gRPC over TLS through net/http and ServeHTTP, as etcd does, to see the difference")
}
