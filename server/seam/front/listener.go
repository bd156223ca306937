package front

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"glasskv/trace/record"
	"glasskv/trace/stages"

	"github.com/soheilhy/cmux"
)

// acceptListener observes the root's accept loop: cmux's, or that of grpc-go
// where an address speaks gRPC alone.
type acceptListener struct {
	net.Listener
	o        *Front
	failures failures
}

// Accept returns connections that know when they were accepted.
func (l *acceptListener) Accept() (net.Conn, error) {
	l.failures.retried()
	conn, err := l.Listener.Accept()
	now := record.Now()
	if err != nil {
		l.failures.failed(now, err)
		return nil, err
	}
	tc := l.o.newConn(conn)
	l.failures.tell(tc)
	now = l.o.faults.Accepted(tc, now)
	return &acceptedConn{Conn: conn, trace: tc, at: now}, nil
}

// SyscallConn gives channelz the socket's options.
func (l *acceptListener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// acceptedConn is a connection as the root accepted it. Until a server has
// claimed it, cmux is reading from it to find out what it speaks.
type acceptedConn struct {
	net.Conn
	trace   *record.Conn
	at      int64                 // when it was accepted
	claimed atomic.Bool           // a server's own Accept has returned it
	sniffed atomic.Int64          // bytes that cmux has read; fixed once it is claimed
	err     atomic.Pointer[error] // what reading ended with while cmux was reading
}

// NetConn returns the connection below.
func (c *acceptedConn) NetConn() net.Conn { return c.Conn }

// Read counts what cmux reads.
func (c *acceptedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.claimed.Load() {
		c.sniffed.Add(int64(n))
		if err != nil {
			c.err.Store(&err)
		}
	}
	return n, err
}

// Close is called by cmux for a connection that it cannot make out.
func (c *acceptedConn) Close() error {
	if !c.claimed.Load() {
		why := c.whyNotClaimed()
		c.trace.BeginAt(stages.CmuxMatch, c.at)
		c.trace.End(stages.CmuxMatch)
		c.trace.Fail(why)
	}
	return c.Conn.Close()
}

func (c *acceptedConn) whyNotClaimed() string {
	silent, err := c.sniffed.Load() == 0, c.err.Load()
	switch {
	case err != nil && errors.Is(*err, os.ErrDeadlineExceeded) && silent:
		return "the client said nothing"
	case err != nil && errors.Is(*err, os.ErrDeadlineExceeded):
		return "the client did not say enough to tell what it speaks"
	case err != nil:
		return "the client closed it before it was clear what it speaks"
	case silent:
		return "the server was being stopped"
	}
	return "the client speaks nothing that this address serves"
}

// claim returns what is to be known of a connection that a server's Accept has
// just returned. Below cmux it may have been accepted long before.
func (o *Front) claim(conn net.Conn, now int64) *record.Conn {
	accepted, ok := beneath[*acceptedConn](conn)
	if !ok {
		tc := o.newConn(conn)
		tc.BeginAt(stages.NetAccept, now)
		return tc
	}
	accepted.claimed.Store(true)
	tc := accepted.trace
	if _, shared := beneath[*cmux.MuxConn](conn); shared {
		tc.BeginAt(stages.CmuxMatch, accepted.at)
		tc.EndAt(stages.CmuxMatch, now)
		tc.BeginAt(stages.NetAccept, now)
	} else {
		tc.BeginAt(stages.NetAccept, accepted.at)
	}
	return tc
}

func (o *Front) newConn(conn net.Conn) *record.Conn {
	tc := o.rec.NewConn(conn.RemoteAddr().String(), conn.LocalAddr().String())
	tc.Protocol = conn.LocalAddr().Network()
	return tc
}

// sniffedBytes is how much of a connection cmux has read and will give back. It
// is not known when cmux has it from somewhere else.
func sniffedBytes(conn net.Conn) (n int, known bool) {
	if accepted, ok := beneath[*acceptedConn](conn); ok {
		return int(accepted.sniffed.Load()), true
	}
	_, shared := beneath[*cmux.MuxConn](conn)
	return 0, !shared
}

// beneath goes down from a connection, through whatever it was wrapped in, to
// the first of a type.
func beneath[T any](conn net.Conn) (found T, ok bool) {
	for conn != nil {
		if found, ok = conn.(T); ok {
			return found, true
		}
		switch c := conn.(type) {
		case *cmux.MuxConn:
			conn = c.Conn
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return found, false
		}
	}
	return found, false
}

// listener observes grpc-go's accept loop.
type listener struct {
	net.Listener
	o        *Front
	failures failures
}

// Accept returns connections that observe what handleRawConn does to them.
func (l *listener) Accept() (net.Conn, error) {
	l.failures.retried()
	conn, err := l.Listener.Accept()
	now := record.Now()
	if err != nil {
		l.failures.failed(now, err)
		return nil, err
	}
	raw := &rawConn{Conn: conn, trace: l.o.claim(conn, now)}
	l.failures.tell(raw.trace)
	return raw, nil
}

// SyscallConn gives channelz the socket's options.
func (l *listener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// failures counts the accepts that failed since the last one that did not. It is
// used by the one goroutine that accepts.
type failures struct {
	n          int
	begin, end int64 // the first has failed; the last wait is over
	last       error
}

// failed is called when Accept returns an error. Most often it is the last one,
// and the listener is closed; then nobody will ask for it any more.
func (f *failures) failed(now int64, err error) {
	if f.n == 0 {
		f.begin = now
	}
	f.n++
	f.last = err
}

// retried is called when Accept is called, which ends a back-off.
func (f *failures) retried() {
	if f.n > 0 {
		f.end = record.Now()
	}
}

// tell passes the failures on to the connection that was accepted after them.
func (f *failures) tell(tc *record.Conn) {
	if f.n == 0 {
		return
	}
	tc.BeginAt(stages.AcceptBackoff, f.begin)
	tc.EndAt(stages.AcceptBackoff, f.end)
	tc.Backoff = record.BackoffFacts{Attempts: f.n, Error: f.last.Error()}
	*f = failures{}
}
