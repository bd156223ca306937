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

// acceptListener observes the accept loop of the port: cmux's, or grpc-go's on an address that
// serves nothing but gRPC.
type acceptListener struct {
	net.Listener
	front    *Front
	failures failures
}

// Accept returns an acceptedConn.
func (l *acceptListener) Accept() (net.Conn, error) {
	l.failures.endBackoff()
	conn, err := l.Listener.Accept()
	now := record.Now()
	if err != nil {
		l.failures.add(now, err)
		return nil, err
	}
	tc := l.front.newConn(conn)
	l.failures.moveTo(tc)
	now = l.front.faults.DelayAccept(tc, now)
	return &acceptedConn{Conn: conn, trace: tc, at: now}, nil
}

// SyscallConn returns the listener's socket, for channelz.
func (l *acceptListener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// acceptedConn is a connection as the port accepted it. Until a server claims it, cmux reads
// from it to find out which protocol it speaks.
type acceptedConn struct {
	net.Conn
	trace   *record.Conn
	at      int64                 // when it was accepted
	claimed atomic.Bool           // the Accept of grpc-go or net/http has returned it
	sniffed atomic.Int64          // bytes that cmux has read; does not change once claimed
	err     atomic.Pointer[error] // the last error of cmux's reading
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

// Close is called by cmux for a connection that no server claims.
func (c *acceptedConn) Close() error {
	if !c.claimed.Load() {
		why := c.unclaimedReason()
		c.trace.BeginAt(stages.CmuxMatch, c.at)
		c.trace.End(stages.CmuxMatch)
		c.trace.Fail(why)
	}
	return c.Conn.Close()
}

// unclaimedReason says why no server claimed the connection.
func (c *acceptedConn) unclaimedReason() string {
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

// claim returns the trace of a connection that a server's Accept has just returned. If the
// connection came by way of cmux, CmuxMatch lies between the port's Accept and this one.
func (f *Front) claim(conn net.Conn, now int64) *record.Conn {
	accepted, ok := unwrap[*acceptedConn](conn)
	if !ok {
		tc := f.newConn(conn)
		tc.BeginAt(stages.NetAccept, now)
		return tc
	}
	accepted.claimed.Store(true)
	tc := accepted.trace
	if _, shared := unwrap[*cmux.MuxConn](conn); shared {
		tc.BeginAt(stages.CmuxMatch, accepted.at)
		tc.EndAt(stages.CmuxMatch, now)
		tc.BeginAt(stages.NetAccept, now)
	} else {
		tc.BeginAt(stages.NetAccept, accepted.at)
	}
	return tc
}

// newConn begins the trace of a connection.
func (f *Front) newConn(conn net.Conn) *record.Conn {
	tc := f.rec.NewConn(conn.RemoteAddr().String(), conn.LocalAddr().String())
	tc.Protocol = conn.LocalAddr().Network()
	return tc
}

// sniffedBytes returns how many bytes cmux has read from a connection and will give back. The
// number is not known if cmux accepted the connection from a listener that is not observed.
func sniffedBytes(conn net.Conn) (n int, known bool) {
	if accepted, ok := unwrap[*acceptedConn](conn); ok {
		return int(accepted.sniffed.Load()), true
	}
	_, shared := unwrap[*cmux.MuxConn](conn)
	return 0, !shared
}

// unwrap returns the outermost connection of type T among conn and those that it wraps.
func unwrap[T any](conn net.Conn) (found T, ok bool) {
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
	front    *Front
	failures failures
}

// Accept returns a rawConn.
func (l *listener) Accept() (net.Conn, error) {
	l.failures.endBackoff()
	conn, err := l.Listener.Accept()
	now := record.Now()
	if err != nil {
		l.failures.add(now, err)
		return nil, err
	}
	raw := &rawConn{Conn: conn, trace: l.front.claim(conn, now)}
	l.failures.moveTo(raw.trace)
	return raw, nil
}

// SyscallConn returns the listener's socket, for channelz.
func (l *listener) SyscallConn() (syscall.RawConn, error) { return syscallConn(l.Listener) }

// failures are the Accepts that have failed since the last one that succeeded. They must be used
// by one goroutine, the one that accepts.
type failures struct {
	n          int
	begin, end int64 // begin: the first Accept failed; end: the last back-off is over
	last       error // the error of the last Accept that failed
}

// add notes an Accept that failed. An Accept also fails when the listener is closed; then no
// connection follows, and the failure is not shown.
func (f *failures) add(now int64, err error) {
	if f.n == 0 {
		f.begin = now
	}
	f.n++
	f.last = err
}

// endBackoff is called when Accept is called again.
func (f *failures) endBackoff() {
	if f.n > 0 {
		f.end = record.Now()
	}
}

// moveTo notes the failures with the connection that was accepted after them.
func (f *failures) moveTo(tc *record.Conn) {
	if f.n == 0 {
		return
	}
	tc.BeginAt(stages.AcceptBackoff, f.begin)
	tc.EndAt(stages.AcceptBackoff, f.end)
	tc.Backoff = record.BackoffFacts{Attempts: f.n, Error: f.last.Error()}
	*f = failures{}
}
