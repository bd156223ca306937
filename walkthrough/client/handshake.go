package client

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc/credentials"
)

// HandshakeError is returned by Explain when an endpoint took the connection but
// no HTTP/2 came of it, so that the request never left.
type HandshakeError struct {
	Endpoints []string
	Secure    bool // this side spoke TLS
	Shook     bool // the handshake went through on this side; the first answer did not come
	Err       error
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("no connection to %s: %v", strings.Join(e.Endpoints, ", "), e.Err)
}

// Unwrap returns what TLS or the system said.
func (e *HandshakeError) Unwrap() error { return e.Err }

// watchedCreds keep the error that TLS itself returns, of which grpc-go passes on
// the text alone.
type watchedCreds struct {
	credentials.TransportCredentials
	conn *Conn
}

// ClientHandshake is called once per connection, by grpc-go.
func (w *watchedCreds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure := w.Info().SecurityProtocol == "tls"
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		w.conn.failed(&HandshakeError{Endpoints: w.conn.endpoints, Secure: secure, Err: err})
		return nil, nil, err
	}
	return &firstRead{Conn: conn, owner: w.conn, secure: secure}, info, nil
}

// Clone keeps the wrapper where grpc-go copies the credentials.
func (w *watchedCreds) Clone() credentials.TransportCredentials {
	return &watchedCreds{w.TransportCredentials.Clone(), w.conn}
}

// firstRead is a connection on which the peer has said nothing yet. With TLS 1.3
// a client believes that it is through before the server has looked at its
// certificate: only its first read learns better.
type firstRead struct {
	net.Conn
	owner  *Conn
	secure bool
	heard  bool // only the reading goroutine looks at it
}

// Read notes why nothing could be read, if it is so.
func (c *firstRead) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.heard && n == 0 && err != nil {
		c.owner.failed(&HandshakeError{Endpoints: c.owner.endpoints, Secure: c.secure, Shook: true, Err: err})
	}
	c.heard = c.heard || n > 0
	return n, err
}
