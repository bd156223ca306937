package front

import (
	"net"
	"syscall"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

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
