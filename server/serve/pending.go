package serve

import (
	"net"
	"net/http"
	"sync"
)

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
