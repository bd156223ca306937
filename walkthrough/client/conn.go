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

// DefaultEndpoint is the address of a server's client port by default.
const DefaultEndpoint = "127.0.0.1:2379"

// DefaultDialTimeout bounds one attempt to connect, as in etcdctl.
const DefaultDialTimeout = 2 * time.Second

// Conn is a connection to a server without any tracing, as in an ordinary client. It is
// safe for concurrent use. Close it when done.
type Conn struct {
	*grpc.ClientConn
	endpoints   []string
	lastFailure atomic.Pointer[error] // the error of the last attempt to connect; nil after a success
}

func (c *Conn) noteFailure(err error) { c.lastFailure.Store(&err) }

// Connect prepares a connection to the first of the endpoints that answers. An
// endpoint is "host:port", "http://host:port" or "https://host:port". Nothing is
// dialled before the first request, so an error of Connect is a mistake in the options.
func Connect(o Options) (*Conn, error) {
	return connect(o, func(creds credentials.TransportCredentials) []grpc.DialOption {
		return []grpc.DialOption{grpc.WithTransportCredentials(creds)}
	})
}

// connect is Connect with grpc-go options that depend on the credentials. The result
// of transport must include the transport credentials.
func connect(o Options, transport func(credentials.TransportCredentials) []grpc.DialOption) (*Conn, error) {
	c := &Conn{}
	var state resolver.State
	for _, e := range o.Endpoints {
		addr, err := address(e)
		if err != nil {
			return nil, err
		}
		c.endpoints = append(c.endpoints, addr)
		// Each server's certificate is verified for its own address.
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
	}, transport(&watchedCreds{creds, c})...)
	opts = append(opts, o.Dial...)
	if c.ClientConn, err = grpc.NewClient("glasskv:///"+c.endpoints[0], opts...); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", strings.Join(c.endpoints, ", "), err)
	}
	return c, nil
}

// creds returns o.Creds or, if they are nil, the credentials that the endpoints' schemes
// require.
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

// dial dials for grpc-go. It keeps the system's error, of which grpc-go passes on only
// a part.
func (c *Conn) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		c.noteFailure(err)
		return nil, err
	}
	c.lastFailure.Store(nil)
	return conn, nil
}

// address returns an endpoint without its scheme.
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

// UnreachableError is returned by Explain when no endpoint could be connected to. The
// request was not sent.
type UnreachableError struct {
	Endpoints []string
	Err       error // the system's error of the last attempt
}

func (e *UnreachableError) Error() string {
	why := e.Err.Error()
	if op, ok := errors.AsType[*net.OpError](e.Err); ok {
		why = op.Err.Error() // without the address: all endpoints are named below
	}
	why = strings.TrimPrefix(why, "connect: ")
	return fmt.Sprintf("cannot reach %s: %s", strings.Join(e.Endpoints, ", "), why)
}

// Unwrap returns the system's error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Explain returns the reason for the error of a request. If the request was not sent
// because no endpoint could be connected to, that is an *UnreachableError; if an
// endpoint accepted the connection but the handshake failed, a *HandshakeError. Any
// other error, and nil, is returned unchanged.
func (c *Conn) Explain(err error) error {
	refused := c.lastFailure.Load()
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

// HandshakeError is returned by Explain when an endpoint accepted the connection but
// the handshake of TLS or HTTP/2 failed. The request was not sent.
type HandshakeError struct {
	Endpoints     []string
	Secure        bool // the client spoke TLS
	HandshakeDone bool // the client's side of the handshake succeeded; the first read failed
	Err           error
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("no connection to %s: %v", strings.Join(e.Endpoints, ", "), e.Err)
}

// Unwrap returns the error of TLS or of the system.
func (e *HandshakeError) Unwrap() error { return e.Err }

// watchedCreds wraps credentials to keep the error of the TLS handshake, of which
// grpc-go passes on only the text.
type watchedCreds struct {
	credentials.TransportCredentials
	conn *Conn
}

// ClientHandshake is called by grpc-go once per connection.
func (w *watchedCreds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure := w.Info().SecurityProtocol == "tls"
	conn, info, err := w.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		w.conn.noteFailure(&HandshakeError{Endpoints: w.conn.endpoints, Secure: secure, Err: err})
		return nil, nil, err
	}
	return &firstRead{Conn: conn, owner: w.conn, secure: secure}, info, nil
}

// Clone returns a wrapped copy. grpc-go copies the credentials.
func (w *watchedCreds) Clone() credentials.TransportCredentials {
	return &watchedCreds{w.TransportCredentials.Clone(), w.conn}
}

// firstRead is a connection that notices if its first read fails. In TLS 1.3 the
// client's handshake succeeds before the server has verified the client's certificate,
// so a rejection appears only at the first read.
type firstRead struct {
	net.Conn
	owner   *Conn
	secure  bool
	gotData bool // used by the reading goroutine alone
}

// Read keeps the error if the first read fails.
func (c *firstRead) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.gotData && n == 0 && err != nil {
		c.owner.noteFailure(&HandshakeError{Endpoints: c.owner.endpoints, Secure: c.secure, HandshakeDone: true, Err: err})
	}
	c.gotData = c.gotData || n > 0
	return n, err
}
