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

// Connect prepares a connection to the first of the endpoints that answers. An
// endpoint is "host:port" or "http://host:port". Nothing is dialled before the
// first request, so an error here is one in the endpoints themselves.
func Connect(endpoints []string, dialTimeout time.Duration) (*Conn, error) {
	return connect(endpoints, dialTimeout, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func connect(endpoints []string, timeout time.Duration, more ...grpc.DialOption) (*Conn, error) {
	c := &Conn{}
	var state resolver.State
	for _, e := range endpoints {
		addr, err := address(e)
		if err != nil {
			return nil, err
		}
		c.endpoints = append(c.endpoints, addr)
		state.Addresses = append(state.Addresses, resolver.Address{Addr: addr})
	}
	if len(c.endpoints) == 0 {
		return nil, fmt.Errorf("no endpoint given")
	}
	known := manual.NewBuilderWithScheme("glasskv")
	known.InitialState(state)
	if timeout <= 0 {
		timeout = DefaultDialTimeout
	}
	opts := append([]grpc.DialOption{
		grpc.WithResolvers(known),
		grpc.WithAuthority(c.endpoints[0]),
		grpc.WithContextDialer(c.dial),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: timeout}),
	}, more...)
	var err error
	if c.ClientConn, err = grpc.NewClient("glasskv:///", opts...); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", strings.Join(c.endpoints, ", "), err)
	}
	return c, nil
}

// dial keeps the system's own error, which says more than grpc-go passes on.
func (c *Conn) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		c.refused.Store(&err)
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
		case u.Scheme == "https":
			return "", fmt.Errorf("endpoint %q: TLS is not supported yet, use http://", endpoint)
		case u.Scheme != "http":
			return "", fmt.Errorf("endpoint %q: scheme %q is not supported, use http://", endpoint, u.Scheme)
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
// request could not be sent because nobody was there to take it. Other errors
// are returned as they are.
func (c *Conn) Explain(err error) error {
	refused := c.refused.Load()
	if err == nil || refused == nil {
		return err
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return &UnreachableError{Endpoints: c.endpoints, Err: *refused}
	}
	return err
}
