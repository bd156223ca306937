package serve

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/soheilhy/cmux"
)

// GRPCConn is a connection as grpc-go's transport accepts it, below TLS.
type GRPCConn struct {
	net.Conn
	secure  bool
	pending *pendingConns
}

// Secure reports whether the connection came to an https address. If so, its bytes are a
// TLS handshake and then encrypted.
func (c *GRPCConn) Secure() bool { return c.secure }

// NetConn returns the connection below.
func (c *GRPCConn) NetConn() net.Conn { return c.Conn }

// SyscallConn returns the socket, for reading and setting its options. It returns an error
// if there is no TCP connection below.
func (c *GRPCConn) SyscallConn() (syscall.RawConn, error) {
	if tcp := tcpBelow(c.Conn); tcp != nil {
		return tcp.SyscallConn()
	}
	return nil, errNoSocket
}

// SetDeadline sets the deadline. grpc-go's handleRawConn clears it when the handshake is
// complete; from then on the connection is not pending.
func (c *GRPCConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.pending.remove(c)
	}
	return c.Conn.SetDeadline(t)
}

// Close closes the connection, which is not pending afterwards.
func (c *GRPCConn) Close() error {
	c.pending.remove(c)
	return c.Conn.Close()
}

// grpcListener is the listener that grpc-go accepts connections from.
type grpcListener struct {
	net.Listener
	secure      bool
	userTimeout time.Duration
	pending     *pendingConns
}

// Accept returns a *GRPCConn, which is pending until its handshake is complete.
func (l *grpcListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &GRPCConn{Conn: conn, secure: l.secure, pending: l.pending}
	if err := setUserTimeout(conn, l.userTimeout); err != nil || !l.pending.add(c) {
		_ = c.Close() // the client is gone, or the node stops; grpc-go notices when it reads
	}
	return c, nil
}

var errNoSocket = errors.New("not a TCP connection")

// tcpBelow returns the TCP connection below conn and its wrappers, or nil.
func tcpBelow(conn net.Conn) *net.TCPConn {
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
