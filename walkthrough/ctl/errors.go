package ctl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"glasskv/walkthrough/client"
	"glasskv/walkthrough/screen"
)

// wayOut makes an error one line that says what can be done.
func (c *ctl) wayOut(err error) error {
	if err == nil {
		return nil
	}
	var unreachable *client.UnreachableError
	if errors.As(err, &unreachable) {
		return fmt.Errorf("%w; start a server with `glasskv serve`, or name another with --endpoints", err)
	}
	if shake, ok := errors.AsType[*client.HandshakeError](err); ok {
		return c.wayOutOfHandshake(shake)
	}
	known := rpctypes.Error(err)
	if _, ok := errors.AsType[rpctypes.EtcdError](known); ok {
		return known
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	endpoints := strings.Join(c.endpoints, ", ")
	if st.Code() == codes.DeadlineExceeded {
		return fmt.Errorf("no reply from %s within %v; give it more time with --command-timeout", endpoints, c.commandTimeout)
	}
	if st.Code() == codes.Unavailable && strings.Contains(st.Message(), "server preface") {
		return notGRPC(endpoints)
	}
	return fmt.Errorf("%s: %s", st.Code(), screen.Escape(st.Message()))
}

func notGRPC(endpoints string) error {
	return fmt.Errorf("%s does not answer as a gRPC server; name the client port with --endpoints", endpoints)
}

// wayOutOfHandshake tells what can be done where a connection was taken but did
// not become one of HTTP/2.
func (c *ctl) wayOutOfHandshake(e *client.HandshakeError) error {
	peer := strings.Join(e.Endpoints, ", ")
	if !e.Secure {
		return fmt.Errorf("%s hung up at once; if it wants TLS write https://%s, and name its authority with --cacert", peer, e.Endpoints[0])
	}
	if remote, ok := errors.AsType[*net.OpError](e.Err); ok && remote.Op == "remote error" {
		return c.wayOutOfAlert(peer, said(remote.Err))
	}
	if e.Shook {
		return c.wayOutOfSilence(peer, e.Err)
	}
	if untrusted := distrust(peer, e.Err); untrusted != nil {
		return untrusted
	}
	return fmt.Errorf("%s does not speak TLS (%s); if it is not secured write http://%s", peer, said(e.Err), e.Endpoints[0])
}

// distrust returns an error when this side did not believe the server's
// certificate.
func distrust(peer string, err error) error {
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("the certificate of %s is for other names (%s); use one of them in --endpoints, or --insecure-skip-tls-verify for a test", peer, said(name))
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted (%s); name the authority that signed it with --cacert", peer, said(invalid.Err))
	}
	return nil
}

// certificateAlerts are how crypto/tls names the alerts with which servers refuse
// a client's certificate, or its absence; it exports no other names for them.
var certificateAlerts = []string{
	"certificate required", "bad certificate", "unknown certificate authority", "unknown certificate",
	"unsupported certificate", "revoked certificate", "expired certificate", "handshake failure",
}

// wayOutOfAlert tells what the server complained of.
func (c *ctl) wayOutOfAlert(peer, alert string) error {
	switch {
	case !slices.Contains(certificateAlerts, alert):
		return fmt.Errorf("%s refused the TLS handshake: %s", peer, alert)
	case c.security.CertFile == "":
		return fmt.Errorf("%s wants a client's certificate (%s); name one with --cert and --key", peer, alert)
	}
	return fmt.Errorf("%s does not accept the client's certificate (%s); name one that its authority signed with --cert and --key", peer, alert)
}

// wayOutOfSilence is for a server that hung up after the handshake. An alert can
// be lost on the way when a connection is closed at once.
func (c *ctl) wayOutOfSilence(peer string, err error) error {
	if c.security.CertFile == "" {
		return fmt.Errorf("%s hung up after the TLS handshake (%s); if it wants a client's certificate name one with --cert and --key", peer, said(err))
	}
	return fmt.Errorf("%s hung up after the TLS handshake (%s); it may not accept the certificate of --cert, or not be a gRPC server", peer, said(err))
}

// said is an error's text without what others have put before it, and without
// what could move the cursor.
func said(err error) string {
	text := err.Error()
	for _, prefix := range []string{"x509: ", "tls: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return screen.Escape(text)
}
