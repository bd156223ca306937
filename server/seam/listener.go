package seam

import (
	"errors"
	"net"
	"syscall"
	"time"

	"glasskv/trace"
)

// listener observes grpc-go's accept loop.
type listener struct {
	net.Listener
	o *Observer
}

// Accept returns connections that observe what handleRawConn does to them.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	accepted := trace.Now()
	raw := &rawConn{Conn: conn, trace: l.o.rec.NewConn(conn.RemoteAddr().String(), conn.LocalAddr().String())}
	raw.trace.Protocol = "tcp"
	raw.trace.BeginAt(trace.NetAccept, accepted)
	return raw, nil
}

// SyscallConn gives channelz the socket's options.
func (l *listener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// rawConn is a connection as handleRawConn has it: the one that was accepted,
// below the credentials. Its deadline is set exactly twice, at the beginning and
// at the end of the handshake.
type rawConn struct {
	net.Conn
	trace  *trace.Conn
	served *serverConn // what the credentials made of it
	begun  bool
}

// SetDeadline marks where handleRawConn begins and where newHTTP2Transport has
// returned.
func (c *rawConn) SetDeadline(t time.Time) error {
	now := trace.Now()
	switch {
	case !t.IsZero() && !c.begun:
		c.begun = true
		c.trace.EndAt(trace.NetAccept, now)
		c.trace.BeginAt(trace.HandleRawConn, now)
	case t.IsZero():
		c.trace.EndAt(trace.NewHTTP2Transport, now)
		c.trace.EndAt(trace.HandleRawConn, now)
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

func (c *rawConn) fail(why string) { c.trace.Fail(why) }

// SyscallConn gives the socket to those who set or read its options.
func (c *rawConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

var errNoSocket = errors.New("not a socket")

func syscallConn(of any) (syscall.RawConn, error) {
	if sc, ok := of.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errNoSocket
}
