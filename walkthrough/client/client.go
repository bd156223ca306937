// Package client is GlassKV's own client: Conn, a plain connection, and Client, an
// observed one. The timelines of an observed connection cover all of the caller's
// waiting, not only the server's work.
//
//	conn.go      Conn, and the errors that say why there is no connection
//	security.go  TLS: which servers are trusted, which certificate is presented
//	client.go    Client: Do sends a request, Join adds the server's part of its timeline
//
// The server's part is fetched from the server's trace endpoint, never over the port
// that is traced.
package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"glasskv/server/seam/client"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
)

// Options say what to connect to and how.
type Options struct {
	// Endpoints are tried in this order; see Connect.
	Endpoints []string
	// DialTimeout bounds one attempt to connect; zero means DefaultDialTimeout.
	DialTimeout time.Duration
	// TraceURL is the server's trace endpoint, as "http://host:port". If it is
	// empty, the address that the server names in its replies is used.
	TraceURL string
	// Creds secure the connection. If they are nil, the connection is secured as by
	// the zero Security if the endpoints begin with "https://", and otherwise is not.
	Creds credentials.TransportCredentials
	// Dial are further options of grpc-go.
	Dial []grpc.DialOption
}

// Client is a connection whose requests are observed. It is safe for concurrent use.
type Client struct {
	*Conn
	rec     *record.Recorder
	locator traceLocator
}

// Dial prepares an observed connection. As with Connect, nothing is dialled before
// the first request, so the time to connect is in the first request's timeline.
func Dial(o Options) (*Client, error) {
	rec := record.NewRecorder(record.Options{})
	observer := client.New(rec)
	conn, err := connect(o, observer.DialOptions)
	if err != nil {
		return nil, errors.Join(err, rec.Close(context.Background()))
	}
	c := &Client{Conn: conn, rec: rec}
	c.locator.given, c.locator.endpoints = o.TraceURL, conn.endpoints
	c.locator.http.Transport = &http.Transport{} // without a proxy
	return c, nil
}

// Close closes the connection. Join and JoinAll must not be called after it.
func (c *Client) Close() error {
	c.locator.http.CloseIdleConnections()
	return errors.Join(c.Conn.Close(), c.rec.Close(context.Background()))
}

// Observation is what the client recorded of one request.
type Observation struct {
	record *record.Record
}

// Do calls send with a context that must be used for exactly one request on this
// connection. It returns the observation of that request and the error of send. The
// observation is nil if the request was not recorded, because send made none or too
// many requests were in flight.
func (c *Client) Do(ctx context.Context, send func(context.Context) error) (*Observation, error) {
	ctx, call := client.Observe(ctx)
	err := send(ctx)
	c.locator.learn(call.TraceURL)
	if call.Record == nil {
		return nil, err
	}
	return &Observation{call.Record}, err
}

// TraceID returns the trace ID, which the client's and the server's parts share.
func (o *Observation) TraceID() string { return o.record.TraceID() }

// Timeline returns the client's part alone, in which the time between sending and
// receiving is unexplained.
func (o *Observation) Timeline() *trace.Timeline {
	return trace.Merge(o.record.Timeline(), nil, trace.Alignment{})
}

// ErrNoTraceURL is returned by Join and JoinAll when the address of the trace endpoint
// is unknown: the server does not record requests, or is not a GlassKV.
var ErrNoTraceURL = errors.New("the server does not say where its timelines are: is it a GlassKV with --trace on?")

// traceLocator finds the address of the server's trace endpoint.
type traceLocator struct {
	given     string // the address that the user gave; "" if none
	endpoints []string
	learned   atomic.Pointer[string] // the address that the server named last; nil before the first
	http      http.Client
}

// learn records the address that a reply named. A reply without an address, such as
// the one to an unknown method, changes nothing.
func (p *traceLocator) learn(url string) {
	if url != "" {
		p.learned.Store(&url)
	}
}

// client returns a client of the trace endpoint. The error is ErrNoTraceURL if its
// address is unknown.
func (p *traceLocator) client() (*endpoint.Client, error) {
	base := p.given
	if base == "" {
		learned := p.learned.Load()
		if learned == nil {
			return nil, ErrNoTraceURL
		}
		base = *learned
	}
	base, err := p.reachable(base)
	if err != nil {
		return nil, err
	}
	return &endpoint.Client{Base: base, HTTP: &p.http}, nil
}

// reachable turns the address that the server listens on into one that the client can
// connect to: it replaces an unspecified host, such as 0.0.0.0, by that of the first
// endpoint.
func (p *traceLocator) reachable(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("trace endpoint %q is not of the form http://host:port", base)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.IsUnspecified() {
		if host, _, err := net.SplitHostPort(p.endpoints[0]); err == nil {
			u.Host = net.JoinHostPort(host, u.Port())
		}
	}
	return u.Scheme + "://" + u.Host, nil
}

// fetchWait is how long the server may wait until it has finished recording a request.
// The client can read a reply before the server takes its last stamp.
const fetchWait = 2 * time.Second

// Join fetches the server's part of a request and returns the whole timeline. If that
// fails, it returns the client's part together with the error, which is ErrNoTraceURL
// if the address of the trace endpoint is unknown.
func (c *Client) Join(ctx context.Context, o *Observation) (*trace.Timeline, error) {
	server, err := c.locator.client()
	if err != nil {
		return o.Timeline(), err
	}
	part, err := server.Get(ctx, o.TraceID(), fetchWait)
	if err != nil {
		return o.Timeline(), fmt.Errorf("fetch the server's part: %w", err)
	}
	return o.join(part), nil
}

// JoinAll returns the whole timelines of recent requests, in the order of all.
// It fetches the requests that the server finished last in one call, and the others one
// by one. If a call fails, it returns the error and no timelines.
func (c *Client) JoinAll(ctx context.Context, all []*Observation) ([]*trace.Timeline, error) {
	server, err := c.locator.client()
	if err != nil {
		return nil, err
	}
	parts, err := server.LastEnvelopes(ctx, len(all))
	if err != nil {
		return nil, fmt.Errorf("fetch the server's part: %w", err)
	}
	byID := make(map[string]*endpoint.Envelope, len(parts))
	for _, p := range parts {
		byID[p.Timeline.TraceID] = p
	}
	out := make([]*trace.Timeline, len(all))
	for i, o := range all {
		if p := byID[o.TraceID()]; p != nil {
			out[i] = o.join(p)
		} else if out[i], err = c.Join(ctx, o); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// JoinRecord returns the whole timeline of a request to a server in this process, from
// the server's own record of the request.
func (o *Observation) JoinRecord(part *record.Record) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline(), trace.Align(o.record.Origin(), part.Origin()))
}

func (o *Observation) join(part *endpoint.Envelope) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline, trace.Align(o.record.Origin(), part.Origin))
}
