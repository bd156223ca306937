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

// withAdvice turns the error of a request into one line that says what can be done. It
// returns nil for nil, and an rpctypes.EtcdError for an error that etcd defines.
func (c *ctl) withAdvice(err error) error {
	if err == nil {
		return nil
	}
	var unreachable *client.UnreachableError
	if errors.As(err, &unreachable) {
		return fmt.Errorf("%w; start a server with `glasskv serve`, or name another with --endpoints", err)
	}
	if shake, ok := errors.AsType[*client.HandshakeError](err); ok {
		return c.handshakeAdvice(shake)
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
		return notGRPCAdvice(endpoints)
	}
	return fmt.Errorf("%s: %s", st.Code(), screen.Escape(st.Message()))
}

func notGRPCAdvice(endpoints string) error {
	return fmt.Errorf("%s does not answer as a gRPC server; name the client port with --endpoints", endpoints)
}

// handshakeAdvice returns the error for a connection that was accepted but did not
// get as far as HTTP/2.
func (c *ctl) handshakeAdvice(e *client.HandshakeError) error {
	peer := strings.Join(e.Endpoints, ", ")
	if !e.Secure {
		return fmt.Errorf("%s hung up at once; if it wants TLS write https://%s, and name its authority with --cacert", peer, e.Endpoints[0])
	}
	if remote, ok := errors.AsType[*net.OpError](e.Err); ok && remote.Op == "remote error" {
		return c.alertAdvice(peer, errorText(remote.Err))
	}
	if e.HandshakeDone {
		return c.hangUpAdvice(peer, e.Err)
	}
	if err := trustAdvice(peer, e.Err); err != nil {
		return err
	}
	return fmt.Errorf("%s does not speak TLS (%s); if it is not secured write http://%s", peer, errorText(e.Err), e.Endpoints[0])
}

// trustAdvice returns an error if the client did not accept the server's certificate,
// and nil otherwise.
func trustAdvice(peer string, err error) error {
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("the certificate of %s is for other names (%s); use one of them in --endpoints, or --insecure-skip-tls-verify for a test", peer, errorText(name))
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("the certificate of %s is not trusted (%s); name the authority that signed it with --cacert", peer, errorText(invalid.Err))
	}
	return nil
}

// certificateAlerts are the texts of the TLS alerts by which servers reject a client's
// certificate or its absence. crypto/tls exports no constants for alerts.
var certificateAlerts = []string{
	"certificate required", "bad certificate", "unknown certificate authority", "unknown certificate",
	"unsupported certificate", "revoked certificate", "expired certificate", "handshake failure",
}

// alertAdvice returns the error for a TLS alert from the server.
func (c *ctl) alertAdvice(peer, alert string) error {
	switch {
	case !slices.Contains(certificateAlerts, alert):
		return fmt.Errorf("%s refused the TLS handshake: %s", peer, alert)
	case c.security.CertFile == "":
		return fmt.Errorf("%s wants a client's certificate (%s); name one with --cert and --key", peer, alert)
	}
	return fmt.Errorf("%s does not accept the client's certificate (%s); name one that its authority signed with --cert and --key", peer, alert)
}

// hangUpAdvice returns the error for a server that hung up after the handshake. It
// guesses the cause: the server's alert can get lost if it closes the connection at
// once.
func (c *ctl) hangUpAdvice(peer string, err error) error {
	if c.security.CertFile == "" {
		return fmt.Errorf("%s hung up after the TLS handshake (%s); if it wants a client's certificate name one with --cert and --key", peer, errorText(err))
	}
	return fmt.Errorf("%s hung up after the TLS handshake (%s); it may not accept the certificate of --cert, or not be a gRPC server", peer, errorText(err))
}

// errorText returns the text of an error without the prefixes of crypto packages,
// escaped for the terminal.
func errorText(err error) string {
	text := err.Error()
	for _, prefix := range []string{"x509: ", "tls: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return screen.Escape(text)
}
