package front

import (
	"net"
	"sync/atomic"
	"syscall"

	"glasskv/server/seam/fault"
	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// serverConn is a connection as the transport has it: above the credentials, so
// that frames pass in clear. One goroutine reads it and one writes to it; each
// has its half. Close may come from anywhere.
type serverConn struct {
	net.Conn
	o       *Front
	trace   *record.Conn
	addr    connAddr
	streams streams
	in      incoming
	out     outgoing
	windows windows
	narrow  narrowing
	quota   fault.Quota
	over    atomic.Bool // serveStreams has returned
}

func newServerConn(o *Front, conn net.Conn, tc *record.Conn) *serverConn {
	c := &serverConn{Conn: conn, o: o, trace: tc}
	c.addr = connAddr{conn.RemoteAddr(), c}
	c.windows.reset()
	c.narrow.bytes = o.faults.Window(tc)
	c.in = incoming{buf: newReadBuffer(conn), Counter: frames.AfterPreface()}
	return c
}

// connAddr is the peer's address with the connection in it. The address is all
// of a connection that grpc-go shows to a stats handler.
type connAddr struct {
	net.Addr
	conn *serverConn
}

// RemoteAddr returns the peer's address, in which TagConn finds the connection.
func (c *serverConn) RemoteAddr() net.Addr { return c.addr }

// SyscallConn gives channelz the socket's options.
func (c *serverConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

// Close ends every request whose reply is not out. A reply that is being written
// at this moment is left to the Write that it is in: the socket is closed by
// now, so that Write cannot wait, and it knows better whether the reply got out.
func (c *serverConn) Close() error {
	err := c.Conn.Close()
	if _, handled := c.trace.Stamps(stages.HandleRawConn); handled != 0 {
		if begin, _ := c.trace.Stamps(stages.ServeStreams); begin == 0 {
			c.trace.Fail("closed before serveStreams")
		}
	}
	c.streams.all(func(s *stream) {
		if !s.ending.Load() && !s.gone() {
			c.lose(s)
		}
	})
	return err
}

// lose ends a request whose reply will not get out any more.
func (c *serverConn) lose(s *stream) {
	c.stuck(s)
	s.rec.Mark(record.MarkConnClosed)
	if c.o.stopping.Load() {
		s.rec.Mark(record.MarkStopping)
	}
	s.done(record.EventWire)
}

// served is called when serveStreams is over: no byte will be read or written
// any more, and it is the goroutine that read the connection which says so. What
// is left then are handlers that still run, and requests that no handler will
// ever take up.
func (c *serverConn) served() {
	c.streams.all(func(s *stream) {
		if !s.gone() {
			c.lose(s)
		}
		if !s.handed.Load() {
			c.turnedAway(s)
		}
		c.o.abandon(s)
		s.done(record.EventRead)
	})
	c.over.Store(true)
	c.o.forget(c)
}

// abandon ends a request that was handed on and has no handler, once its status
// can no longer be written: grpc-go says nothing more of it then.
func (o *Front) abandon(s *stream) {
	if !s.rec.Has(record.MarkBegun) && !o.handles(s.method) {
		s.done(record.EventHandled)
	}
}

// forget drops a connection that is over and has no unfinished request.
func (o *Front) forget(c *serverConn) {
	if c.over.Load() && c.streams.all(func(*stream) {}) == 0 {
		o.conns.Delete(c)
	}
}
