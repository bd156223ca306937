package front

import (
	"errors"
	"net"
	"syscall"
	"time"

	"glasskv/trace/record"
	"glasskv/trace/stages"
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
