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

// rawConn is a connection as handleRawConn has it: the one that was accepted,
// below the credentials. Its deadline is set exactly twice, at the beginning and
// at the end of the handshake.
type rawConn struct {
	net.Conn
	trace  *record.Conn
	served *serverConn // what the credentials made of it
	begun  bool
}

// NetConn returns the connection below.
func (c *rawConn) NetConn() net.Conn { return c.Conn }

// SetDeadline marks where handleRawConn begins and where newHTTP2Transport has
// returned.
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
		if c.served != nil {
			c.served.in.serving = true
		}
	}
	return c.Conn.SetDeadline(t)
}

// Close is called on this connection, and not on the one that the credentials
// made of it, only when it never came to serveStreams.
func (c *rawConn) Close() error {
	switch {
	case !c.begun:
		c.fail("the server was being stopped")
	case c.served != nil:
		c.fail(c.served.in.whyFailed())
	}
	return c.Conn.Close()
}

// fail ends the connection's stages, none of which will come to its end by
// itself any more.
func (c *rawConn) fail(why string) {
	now := record.Now()
	for _, s := range [...]stages.Stage{stages.NetAccept, stages.HandleRawConn, stages.NewHTTP2Transport} {
		if begin, end := c.trace.Stamps(s); begin != 0 && end == 0 {
			c.trace.EndAt(s, now)
		}
	}
	c.trace.Fail(why)
}

// SyscallConn gives the socket to those who set or read its options.
func (c *rawConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

var errNoSocket = errors.New("not a socket")

// syscallConn returns the socket of a listener, or of a connection, however it
// was wrapped.
func syscallConn(of any) (syscall.RawConn, error) {
	if sc, ok := of.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	if conn, ok := of.(net.Conn); ok {
		if sc, ok := beneath[syscall.Conn](conn); ok {
			return sc.SyscallConn()
		}
	}
	return nil, errNoSocket
}

// handshaker observes the credentials' handshake, which is the first thing that
// newHTTP2Transport does. What the handshake returns is what the transport reads
// and writes, so the frames are seen in clear under TLS as well.
type handshaker struct {
	credentials.TransportCredentials
	o *Front
}

// ServerHandshake returns the connection of the wrapped credentials, wrapped.
// The credentials themselves are given the connection that the listener
// accepted, so that what they look for in it they find.
func (h handshaker) ServerHandshake(accepted net.Conn) (net.Conn, credentials.AuthInfo, error) {
	raw, ok := accepted.(*rawConn)
	if !ok {
		return h.TransportCredentials.ServerHandshake(accepted)
	}
	called := record.Now()
	conn, info, err := h.TransportCredentials.ServerHandshake(raw.Conn)
	// The transport's own work begins before it comes to the credentials; only a
	// handshake is a stage apart.
	begin, _ := raw.trace.Stamps(stages.HandleRawConn)
	secured, agreed := info.(credentials.TLSInfo)
	if agreed || isSecure(raw.Conn) {
		raw.trace.BeginAt(stages.TLSHandshake, called)
		begin = record.Now()
		raw.trace.EndAt(stages.TLSHandshake, begin)
	}
	if err != nil {
		raw.fail(whyRefused(err))
		return nil, nil, err
	}
	if agreed {
		noteTLS(raw.trace, secured.State)
	}
	raw.trace.BeginAt(stages.NewHTTP2Transport, begin)
	raw.served = newServerConn(h.o, conn, raw.trace)
	return raw.served, info, nil
}

// Clone returns a copy that observes as well.
func (h handshaker) Clone() credentials.TransportCredentials {
	return handshaker{h.TransportCredentials.Clone(), h.o}
}

// isSecure reports whether a connection came to an https address.
func isSecure(conn net.Conn) bool {
	c, ok := conn.(*serve.GRPCConn)
	return ok && c.Secure()
}

// noteTLS notes what a handshake agreed on.
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

// whyRefused says why a handshake came to nothing, in the words of crypto/tls
// where it has any.
func whyRefused(err error) string {
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
