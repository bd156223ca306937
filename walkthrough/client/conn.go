package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
)

// DefaultEndpoint is where a server listens that was not told otherwise.
const DefaultEndpoint = "127.0.0.1:2379"

// DefaultDialTimeout bounds one attempt to connect, as in etcdctl.
const DefaultDialTimeout = 2 * time.Second

// Conn is a connection to a server without any tracing: what an ordinary client
// has. Close it when done.
type Conn struct {
	*grpc.ClientConn
	endpoints []string
	refused   atomic.Pointer[error] // what the last attempt to connect ran into
}

func (c *Conn) failed(err error) { c.refused.Store(&err) }

// Connect prepares a connection to the first of the endpoints that answers. An
// endpoint is "host:port", "http://host:port" or "https://host:port". Nothing is
// dialled before the first request, so an error here is one in the options
// themselves.
func Connect(o Options) (*Conn, error) {
	return connect(o, func(creds credentials.TransportCredentials) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithTransportCredentials(creds)}
	})
}

// connect is Connect with what else a connection over these credentials needs.
func connect(o Options, more func(credentials.TransportCredentials) []grpc.DialOption) (*Conn, error) {
	c := &Conn{}
	var state resolver.State
	for _, e := range o.Endpoints {
		addr, err := address(e)
		if err != nil {
			return nil, err
		}
		c.endpoints = append(c.endpoints, addr)
		// Each server is to prove that it is the one at its own address.
		state.Addresses = append(state.Addresses, resolver.Address{Addr: addr, ServerName: addr})
	}
	if len(c.endpoints) == 0 {
		return nil, fmt.Errorf("no endpoint given")
	}
	creds, err := o.creds()
	if err != nil {
		return nil, err
	}
	known := manual.NewBuilderWithScheme("glasskv")
	known.InitialState(state)
	timeout := o.DialTimeout
	if timeout <= 0 {
		timeout = DefaultDialTimeout
	}
	opts := append([]grpc.DialOption{
		grpc.WithResolvers(known),
		grpc.WithContextDialer(c.dial),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: timeout}),
	}, more(&watchedCreds{creds, c})...)
	opts = append(opts, o.Dial...)
	if c.ClientConn, err = grpc.NewClient("glasskv:///"+c.endpoints[0], opts...); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", strings.Join(c.endpoints, ", "), err)
	}
	return c, nil
}

// creds are those that were given, or what the endpoints ask for.
func (o *Options) creds() (credentials.TransportCredentials, error) {
	if o.Creds != nil {
		return o.Creds, nil
	}
	creds, err := Security{}.Creds(o.Endpoints)
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	return creds, err
}

// dial keeps the system's own error, which says more than grpc-go passes on.
func (c *Conn) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		c.failed(err)
		return nil, err
	}
	c.refused.Store(nil)
	return conn, nil
}

// address takes the scheme off an endpoint.
func address(endpoint string) (string, error) {
	host := endpoint
	if strings.Contains(endpoint, "://") {
		u, err := url.Parse(endpoint)
		switch {
		case err != nil:
			return "", fmt.Errorf("endpoint %q: %w", endpoint, err)
		case u.Scheme != "http" && u.Scheme != "https":
			return "", fmt.Errorf("endpoint %q: scheme %q is not supported, use http:// or https://", endpoint, u.Scheme)
		}
		host = u.Host
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		return "", fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	return host, nil
}

// UnreachableError is returned by Explain when no endpoint could be connected
// to, so that the request never left.
type UnreachableError struct {
	Endpoints []string
	Err       error // the system's error of the last attempt
}

func (e *UnreachableError) Error() string {
	why := e.Err.Error()
	if op, ok := errors.AsType[*net.OpError](e.Err); ok {
		why = op.Err.Error() // the endpoints are named already
	}
	why = strings.TrimPrefix(why, "connect: ")
	return fmt.Sprintf("cannot reach %s: %s", strings.Join(e.Endpoints, ", "), why)
}

// Unwrap returns the system's error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Explain turns the error of a request into an *UnreachableError when the
// request could not be sent because nobody was there to take it, and into a
// *HandshakeError when who was there did not become a peer. Other errors are
// returned as they are.
func (c *Conn) Explain(err error) error {
	refused := c.refused.Load()
	if err == nil || refused == nil {
		return err
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		if shake, ok := errors.AsType[*HandshakeError](*refused); ok {
			return shake
		}
		return &UnreachableError{Endpoints: c.endpoints, Err: *refused}
	}
	return err
}

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
