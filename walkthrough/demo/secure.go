package demo

import (
	"fmt"
	"path/filepath"

	"go.uber.org/zap"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
	"glasskv/walkthrough/client"
)

// secure makes a certificate for the server. Where both sides are to show one,
// clients need one that was signed with it, which none can have. That it is made for
// the run alone needs no warning.
func (s *server) secure(cfg *serve.Config, mutual bool) error {
	made, err := transport.SelfCert(zap.NewNop(), filepath.Join(cfg.DataDir, "fixtures", "demo"), []string{"127.0.0.1:0"}, 1)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	s.caFile = made.CertFile
	cfg.ListenClientURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	cfg.ClientTLSInfo = transport.TLSInfo{CertFile: made.CertFile, KeyFile: made.KeyFile}
	if mutual {
		cfg.ClientTLSInfo.TrustedCAFile, cfg.ClientTLSInfo.ClientCertAuth = made.CertFile, true
	}
	return nil
}

// reach says how a client reaches the server.
func (s *server) reach() (o client.Options, err error) {
	o = client.Options{Endpoints: []string{s.addr()}, TraceURL: s.traceURL}
	if s.caFile != "" {
		o.Creds, err = client.Security{CAFile: s.caFile}.Creds(o.Endpoints)
	}
	return o, err
}
