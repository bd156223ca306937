package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"time"

	"github.com/soheilhy/cmux"
)

// The protocols that a client may offer by ALPN, in the words of crypto/tls.
const (
	alpnHTTP2 = "h2"
	alpnHTTP1 = "http/1.1"
)

// speaksTLS matches a connection that begins as TLS does, with a whole
// ClientHello.
func speaksTLS(r io.Reader) bool { return clientHello(r) != nil }

// offersHTTP2Only matches a TLS connection whose client wants HTTP/2 and would
// take nothing else, as gRPC's own clients do. One that would take HTTP/1 as well
// is a browser or curl more often than not, and net/http can serve it whatever it
// asks for.
func offersHTTP2Only(r io.Reader) bool {
	hello := clientHello(r)
	return hello != nil && slices.Contains(hello.SupportedProtos, alpnHTTP2) &&
		!slices.Contains(hello.SupportedProtos, alpnHTTP1)
}

// errHelloSeen ends a handshake as soon as its first message is understood.
var errHelloSeen = errors.New("client hello seen")

// clientHello reads the first message of a TLS handshake and answers nothing. It
// returns nil for what is no such message. crypto/tls has no parser to call, so
// a server that never gets further is its parser.
func clientHello(r io.Reader) (hello *tls.ClientHelloInfo) {
	server := tls.Server(deafConn{r: r}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, errHelloSeen
		},
	})
	// It ends with errHelloSeen, or there is nothing to see. Who reads has a
	// deadline, so it ends in any case.
	_ = server.HandshakeContext(context.Background())
	return hello
}

// deafConn is a connection to read from. What is written to it goes nowhere: it
// is the alert that tells of the handshake's end.
type deafConn struct {
	net.Conn
	r io.Reader
}

func (c deafConn) Read(p []byte) (int, error)     { return c.r.Read(p) }
func (deafConn) Write(p []byte) (int, error)      { return len(p), nil }
func (deafConn) SetWriteDeadline(time.Time) error { return nil }
func (deafConn) RemoteAddr() net.Addr             { return nil }
func (deafConn) LocalAddr() net.Addr              { return nil }
func (deafConn) Close() error                     { return nil }

// matcher makes a matcher for cmux out of match. While it waits for what the
// client says, the connection is pending.
func (p *pending) matcher(match cmux.Matcher) cmux.MatchWriter {
	return func(w io.Writer, r io.Reader) bool {
		conn, ok := w.(net.Conn) // cmux passes the connection itself
		if !ok || !p.begin(conn) {
			return false
		}
		defer p.end(conn)
		return match(r)
	}
}
