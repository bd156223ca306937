package front

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"glasskv/server/serve"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc/credentials"
)

// rawConn is a connection as handleRawConn sees it: the accepted one, below the credentials.
// handleRawConn sets its deadline exactly twice, at the beginning and at the end of the
// handshake. Only the goroutine of handleRawConn uses it.
type rawConn struct {
	net.Conn
	trace *record.Conn
	upper *serverConn // the connection above the credentials; nil until their handshake is over
	begun bool        // handleRawConn has begun
}

// NetConn returns the connection below.
func (c *rawConn) NetConn() net.Conn { return c.Conn }

// SetDeadline stamps the beginning of handleRawConn, and the end of newHTTP2Transport.
func (c *rawConn) SetDeadline(t time.Time) error {
	now := record.Now()
	switch {
	case !t.IsZero() && !c.begun:
		c.begun = true
		c.trace.EndAt(stages.NetAccept, now)
		c.trace.BeginAt(stages.HandleRawConn, now)
	case t.IsZero():
		c.trace.EndAt(stages.NewHTTP2Transport, now)
		c.trace.EndAt(stages.HandleRawConn, now)
		if c.upper != nil {
			c.upper.in.serving = true
		}
	}
	return c.Conn.SetDeadline(t)
}

// Close is called only for a connection that does not get as far as serveStreams. For all
// others grpc-go closes the connection above the credentials.
func (c *rawConn) Close() error {
	switch {
	case !c.begun:
		c.fail("the server was being stopped")
	case c.upper != nil:
		c.fail(c.upper.in.failureReason())
	}
	return c.Conn.Close()
}

// fail ends the connection's open stages, and notes why it will carry no request.
func (c *rawConn) fail(why string) {
	now := record.Now()
	for _, s := range [...]stages.Stage{stages.NetAccept, stages.HandleRawConn, stages.NewHTTP2Transport} {
		if begin, end := c.trace.Stamps(s); begin != 0 && end == 0 {
			c.trace.EndAt(s, now)
		}
	}
	c.trace.Fail(why)
}

// SyscallConn returns the socket, for socket options.
func (c *rawConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

var errNoSocket = errors.New("not a socket")

// syscallConn returns the socket of a listener or of a connection, however it is wrapped. It
// returns errNoSocket if there is no socket.
func syscallConn(of any) (syscall.RawConn, error) {
	if sc, ok := of.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	if conn, ok := of.(net.Conn); ok {
		if sc, ok := unwrap[syscall.Conn](conn); ok {
			return sc.SyscallConn()
		}
	}
	return nil, errNoSocket
}

// handshaker observes the credentials' handshake, which is the first thing that
// newHTTP2Transport does. The connection that it returns is the one that the transport reads
// and writes, so frames pass it unencrypted under TLS too.
type handshaker struct {
	credentials.TransportCredentials
	front *Front
}

// ServerHandshake implements credentials.TransportCredentials. It passes the accepted
// connection to the wrapped credentials as it was before rawConn, so that they find the type
// that they expect.
func (h handshaker) ServerHandshake(accepted net.Conn) (net.Conn, credentials.AuthInfo, error) {
	raw, ok := accepted.(*rawConn)
	if !ok {
		return h.TransportCredentials.ServerHandshake(accepted)
	}
	called := record.Now()
	conn, info, err := h.TransportCredentials.ServerHandshake(raw.Conn)
	// newHTTP2Transport begins with handleRawConn, or after the handshake if there is one.
	begin, _ := raw.trace.Stamps(stages.HandleRawConn)
	secured, agreed := info.(credentials.TLSInfo)
	if agreed || cameToHTTPS(raw.Conn) {
		raw.trace.BeginAt(stages.TLSHandshake, called)
		begin = record.Now()
		raw.trace.EndAt(stages.TLSHandshake, begin)
	}
	if err != nil {
		raw.fail(handshakeFailureReason(err))
		return nil, nil, err
	}
	if agreed {
		noteTLS(raw.trace, secured.State)
	}
	raw.trace.BeginAt(stages.NewHTTP2Transport, begin)
	raw.upper = newServerConn(h.front, conn, raw.trace)
	return raw.upper, info, nil
}

// Clone implements credentials.TransportCredentials.
func (h handshaker) Clone() credentials.TransportCredentials {
	return handshaker{h.TransportCredentials.Clone(), h.front}
}

// cameToHTTPS reports whether a connection came to an https address.
func cameToHTTPS(conn net.Conn) bool {
	c, ok := conn.(*serve.GRPCConn)
	return ok && c.Secure()
}

// noteTLS notes what a TLS handshake has agreed on.
func noteTLS(tc *record.Conn, state tls.ConnectionState) {
	tc.Protocol = tls.VersionName(state.Version)
	facts := &record.TLSFacts{
		Version: tc.Protocol, Cipher: tls.CipherSuiteName(state.CipherSuite),
		ALPN: state.NegotiatedProtocol, ServerName: state.ServerName, Resumed: state.DidResume,
	}
	if len(state.PeerCertificates) > 0 {
		facts.PeerName = state.PeerCertificates[0].Subject.CommonName
	}
	tc.TLS = facts
}

// handshakeFailureReason says why a TLS handshake failed: in plain words for the common cases,
// else in those of crypto/tls.
func handshakeFailureReason(err error) string {
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &notTLS):
		return "the client does not speak TLS"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "the TLS handshake took too long"
	case errors.Is(err, io.EOF):
		return "the client closed it during the TLS handshake"
	}
	return fmt.Sprintf("TLS handshake: %v", err)
}
