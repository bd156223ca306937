package serve

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// How long to wait after an Accept that failed: as grpc-go and net/http do, the
// first time firstAcceptDelay, then twice as long each time, up to lastAcceptDelay.
const (
	firstAcceptDelay = 5 * time.Millisecond
	lastAcceptDelay  = time.Second
)

// patientListener stands below cmux, which calls Accept again at once when it
// has failed: with no file descriptor left, that would keep a processor busy and
// fill the log until one is given back. Errors that do not pass are returned.
type patientListener struct {
	net.Listener
	lg       *zap.Logger
	stopping <-chan struct{}
}

// Accept waits for a connection, however often the system cannot give one.
func (l *patientListener) Accept() (net.Conn, error) {
	delay := firstAcceptDelay
	for {
		conn, err := l.Listener.Accept()
		if err == nil || !temporary(err) {
			return conn, err
		}
		l.lg.Warn("accept a connection", zap.Error(err), zap.Duration("retry-in", delay))
		if !l.wait(delay) {
			return nil, fmt.Errorf("accept while stopping: %w", net.ErrClosed)
		}
		delay = min(2*delay, lastAcceptDelay)
	}
}

// wait reports false when the node was stopped meanwhile.
func (l *patientListener) wait(delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stopping:
		return false
	}
}

// temporary asks an error of Accept what grpc-go and net/http ask it. The
// method is deprecated, because nobody can say of every error what it means; of
// these it can be said.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// limitedListener accepts no more connections at a time than it has places. The
// next one waits in the kernel until a place is free. It stands for
// transport.LimitListener, which does not end its wait when it is closed.
type limitedListener struct {
	net.Listener
	places   chan struct{}
	stopping <-chan struct{}
}

// Accept waits for a place, then for a connection to take it.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.stopping:
		return nil, fmt.Errorf("accept while stopping: %w", net.ErrClosed)
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{Conn: conn, places: l.places}, nil
}

// limitedConn gives its place back when it is closed.
type limitedConn struct {
	net.Conn
	places <-chan struct{}
	once   sync.Once
}

// Close may be called more than once.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.places })
	return err
}

// NetConn returns the connection below.
func (c *limitedConn) NetConn() net.Conn { return c.Conn }

// pending holds connections that have carried no request yet: cmux has not told
// them apart, or they are in a handshake. Their clients may be silent for as long
// as they are let, and whoever waits for them waits as long. So Stop cuts them.
type pending struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	over  bool
}

// begin adds a connection. It reports false when they are cut already; the
// connection is for the caller to close then.
func (p *pending) begin(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	if p.conns == nil {
		p.conns = make(map[net.Conn]struct{})
	}
	p.conns[conn] = struct{}{}
	return true
}

// end takes a connection out again, if it is in.
func (p *pending) end(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// cut closes them all. None can be added afterwards.
func (p *pending) cut() {
	p.mu.Lock()
	p.over = true
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for conn := range conns {
		_ = conn.Close() // its owner closes it again
	}
}

// connState is told by net/http how its connections are. A new one has carried
// no request.
func (p *pending) connState(conn net.Conn, state http.ConnState) {
	if state != http.StateNew {
		p.end(conn)
	} else if !p.begin(conn) {
		_ = conn.Close()
	}
}
