package serve

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/soheilhy/cmux"
)

// GRPCConn is a connection as grpc-go's transport accepts it: below TLS.
type GRPCConn struct {
	net.Conn
	secure  bool
	pending *pending
}

// Secure reports whether it came to an https address, so that it begins with a
// TLS handshake, and what is read from it and written to it is encrypted.
func (c *GRPCConn) Secure() bool { return c.secure }

// NetConn returns the connection below.
func (c *GRPCConn) NetConn() net.Conn { return c.Conn }

// SyscallConn gives the socket to those who read or set its options.
func (c *GRPCConn) SyscallConn() (syscall.RawConn, error) {
	if tcp := tcpBeneath(c.Conn); tcp != nil {
		return tcp.SyscallConn()
	}
	return nil, errNoSocket
}

// SetDeadline with no time is called by handleRawConn when its handshake is over.
func (c *GRPCConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.pending.end(c)
	}
	return c.Conn.SetDeadline(t)
}

// Close may be called before that.
func (c *GRPCConn) Close() error {
	c.pending.end(c)
	return c.Conn.Close()
}

// grpcListener is what grpc-go accepts connections from.
type grpcListener struct {
	net.Listener
	secure      bool
	userTimeout time.Duration
	pending     *pending
}

// Accept returns a *GRPCConn, which is pending until its handshake is over.
func (l *grpcListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &GRPCConn{Conn: conn, secure: l.secure, pending: l.pending}
	if err := setUserTimeout(conn, l.userTimeout); err != nil || !l.pending.begin(c) {
		_ = c.Close() // it is gone, or it came too late; grpc-go finds that out
	}
	return c, nil
}

var errNoSocket = errors.New("not a TCP connection")

// tcpBeneath goes down from a connection, through whatever it was wrapped in, to
// the TCP connection that it is, or returns nil.
func tcpBeneath(conn net.Conn) *net.TCPConn {
	for {
		switch c := conn.(type) {
		case *net.TCPConn:
			return c
		case *cmux.MuxConn:
			conn = c.Conn
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return nil
		}
	}
}
