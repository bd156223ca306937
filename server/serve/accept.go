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

// The wait after an Accept that failed is firstAcceptDelay and doubles with each further
// failure, up to lastAcceptDelay, as in grpc-go and net/http.
const (
	firstAcceptDelay = 5 * time.Millisecond
	lastAcceptDelay  = time.Second
)

// retryingListener waits after an Accept that failed with a temporary error, and tries
// again. It is for cmux, which would call Accept again at once: with no file descriptor
// left, that would keep a processor busy and fill the log.
type retryingListener struct {
	net.Listener
	lg       *zap.Logger
	stopping <-chan struct{}
}

// Accept returns the next connection. It returns an error that is not temporary, and
// net.ErrClosed when the node is stopped while it waits.
func (l *retryingListener) Accept() (net.Conn, error) {
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

// wait returns true after delay, or false when the node is stopped before.
func (l *retryingListener) wait(delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stopping:
		return false
	}
}

// temporary reports whether Accept may succeed after err, in the way of grpc-go and
// net/http. The method Temporary is deprecated because it is not well defined for every
// error; for errors of Accept it is.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// limitedListener has at most cap(slots) connections open. Further ones wait in the
// kernel until a connection is closed. Upstream uses transport.LimitListener, whose
// Accept goes on waiting when the listener is closed.
type limitedListener struct {
	net.Listener
	slots    chan struct{} // holds a value for each open connection
	stopping <-chan struct{}
}

// Accept waits until there are fewer connections than the limit, then for the next one.
// It returns net.ErrClosed when the node is stopped during the first wait.
func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.stopping:
		return nil, fmt.Errorf("accept while stopping: %w", net.ErrClosed)
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: conn, slots: l.slots}, nil
}

// limitedConn frees its slot when it is closed.
type limitedConn struct {
	net.Conn
	slots <-chan struct{}
	once  sync.Once
}

// Close may be called more than once, and frees the slot once.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { <-c.slots })
	return err
}

// NetConn returns the connection below.
func (c *limitedConn) NetConn() net.Conn { return c.Conn }

// pendingConns holds the connections that have carried no request yet: cmux waits for
// their first bytes, or they are in a handshake. Such a client may say nothing until
// ConnectionTimeout, and a graceful stop would wait as long; so Stop closes them. Its
// methods may be called by any goroutine.
type pendingConns struct {
	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// add adds a connection. It returns false after closeAll; the caller must close the
// connection then.
func (p *pendingConns) add(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	if p.conns == nil {
		p.conns = make(map[net.Conn]struct{})
	}
	p.conns[conn] = struct{}{}
	return true
}

// remove removes a connection, if it is there.
func (p *pendingConns) remove(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// closeAll closes the connections. No connection can be added afterwards.
func (p *pendingConns) closeAll() {
	p.mu.Lock()
	p.closed = true
	conns := p.conns
	p.conns = nil
	p.mu.Unlock()
	for conn := range conns {
		_ = conn.Close() // its owner closes it again
	}
}

// connState is http.Server's ConnState: a connection is pending until net/http has read
// from it.
func (p *pendingConns) connState(conn net.Conn, state http.ConnState) {
	if state != http.StateNew {
		p.remove(conn)
	} else if !p.add(conn) {
		_ = conn.Close()
	}
}
