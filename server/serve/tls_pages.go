package serve

import (
	"crypto/tls"

	"go.uber.org/zap"
)

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
