package serve

import (
	"crypto/tls"
	"fmt"

	"go.uber.org/zap"
)

// ServerConfig returns how https addresses are secured, for pages of the same
// program that have an address of their own. It returns ErrNoCertificate when no
// certificate is given; one that ClientAutoTLS would make is the node's alone.
func (c TLSConfig) ServerConfig(lg *zap.Logger) (*tls.Config, error) {
	info := c.ClientTLSInfo
	if info.Empty() {
		return nil, ErrNoCertificate
	}
	var err error
	if info.MinVersion, info.MaxVersion, err = c.versions(); err != nil {
		return nil, err
	}
	if info.CipherSuites, err = c.suites(); err != nil {
		return nil, err
	}
	info.Logger = lg
	cfg, err := info.ServerConfig()
	if err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	info.ConfigureCRLVerification(cfg)
	return cfg, nil
}
