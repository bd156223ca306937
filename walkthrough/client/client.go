// Package client is GlassKV's own client: a plain connection for ordinary use,
// and one whose requests come back as timelines that cover what the caller
// waited, not only what the server did.
//
//	conn.go         a plain connection, and errors that say why there is none
//	security.go     whom it believes, and what it shows of itself
//	handshake.go    why no HTTP/2 came of a connection
//	client.go       an observed one: Do sends a request and keeps its record
//	server_part.go  where the server's timelines are
//	join.go         the server's part is fetched and put into the client's timeline
//
// The server's part comes from its trace endpoint, never over the port that is
// traced.
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

	"glasskv/server/seam"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
)

// Options say what to connect to.
type Options struct {
	// Endpoints are tried in this order; see Connect.
	Endpoints []string
	// DialTimeout bounds one attempt to connect; zero means DefaultDialTimeout.
	DialTimeout time.Duration
	// TraceURL is where the server's timelines are, as "http://host:port". When
	// it is empty, what the server says in its replies is used.
	TraceURL string
	// Creds secure the connection. Without any, it is secured as Security does by
	// default where the endpoints begin with "https://", and not elsewhere.
	Creds credentials.TransportCredentials
	// Dial are grpc-go's own options, beside those that the connection needs.
	Dial []grpc.DialOption
}

// Client is a connection whose requests are observed. It may be used by any
// number of goroutines at once.
type Client struct {
	*Conn
	rec  *record.Recorder
	part serverPart
}

// Dial prepares an observed connection. As with Connect, nothing is dialled
// before the first request: what that costs is in the first request's timeline.
func Dial(o Options) (*Client, error) {
	rec := record.NewRecorder(record.Options{})
	observer := seam.NewClientObserver(rec)
	conn, err := connect(o, observer.DialOptions)
	if err != nil {
		return nil, errors.Join(err, rec.Close(context.Background()))
	}
	c := &Client{Conn: conn, rec: rec}
	c.part.fixed, c.part.endpoints = o.TraceURL, conn.endpoints
	c.part.http.Transport = &http.Transport{} // asks the server itself, never a proxy
	return c, nil
}

// Close closes the connection. Observations can be put together no more.
func (c *Client) Close() error {
	c.part.http.CloseIdleConnections()
	return errors.Join(c.Conn.Close(), c.rec.Close(context.Background()))
}

// Observation is one request that was made, and what the client saw of it.
type Observation struct {
	record *record.Record
}

// Do calls send with a context that must be used for exactly one request on this
// connection, and returns what was seen of it together with send's own error.
// The observation is nil when the request was not recorded: send made none, or
// too many were under way.
func (c *Client) Do(ctx context.Context, send func(context.Context) error) (*Observation, error) {
	ctx, call := seam.Observe(ctx)
	err := send(ctx)
	c.part.hear(call.TraceURL)
	if call.Record == nil {
		return nil, err
	}
	return &Observation{call.Record}, err
}

// TraceID returns the ID that the client's and the server's parts share.
func (o *Observation) TraceID() string { return o.record.TraceID() }

// Timeline returns the client's part alone. What happened between its sending
// and its receiving is unexplained there.
func (o *Observation) Timeline() *trace.Timeline {
	return trace.Merge(o.record.Timeline(), nil, trace.Alignment{})
}

// ErrNoTraceURL is returned by Join and JoinAll when the server has not said
// where its timelines are: it records none, or it is no GlassKV.
var ErrNoTraceURL = errors.New("the server does not say where its timelines are: is it a GlassKV with --trace on?")

// serverPart knows where the server's timelines are fetched.
type serverPart struct {
	fixed     string // what the user said
	endpoints []string
	heard     atomic.Pointer[string] // what the server said last
	http      http.Client
}

// hear notes what a reply said. A reply without it, such as that to an unknown
// method, changes nothing.
func (p *serverPart) hear(said string) {
	if said != "" {
		p.heard.Store(&said)
	}
}

func (p *serverPart) client() (*endpoint.Client, error) {
	base := p.fixed
	if base == "" {
		said := p.heard.Load()
		if said == nil {
			return nil, ErrNoTraceURL
		}
		base = *said
	}
	base, err := p.reachable(base)
	if err != nil {
		return nil, err
	}
	return &endpoint.Client{Base: base, HTTP: &p.http}, nil
}

// reachable makes an address that can be asked of one that was listened on: a
// server that listens on every address is found where its requests go.
func (p *serverPart) reachable(base string) (string, error) {
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

// fetchWait is how long the server is asked to wait for a request that it has
// not finished with: its reply may be read before its own last stamp is taken.
const fetchWait = 2 * time.Second

// Join fetches the server's part of a request and returns the whole timeline.
// When the part cannot be had, the client's part alone is returned beside the
// error, which is ErrNoTraceURL when the server does not say where to ask.
func (c *Client) Join(ctx context.Context, o *Observation) (*trace.Timeline, error) {
	server, err := c.part.client()
	if err != nil {
		return o.Timeline(), err
	}
	part, err := server.Get(ctx, o.TraceID(), fetchWait)
	if err != nil {
		return o.Timeline(), fmt.Errorf("fetch the server's part: %w", err)
	}
	return o.join(part), nil
}

// JoinAll is Join for many requests that were made not long ago, in the same
// order. It asks for the last requests of the server at once, and one by one
// only for those that are not among them. The first error ends it.
func (c *Client) JoinAll(ctx context.Context, all []*Observation) ([]*trace.Timeline, error) {
	server, err := c.part.client()
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

// JoinRecord is Join for a server in this process, whose record of the request
// is at hand.
func (o *Observation) JoinRecord(part *record.Record) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline(), trace.Align(o.record.Origin(), part.Origin()))
}

func (o *Observation) join(part *endpoint.Envelope) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline, trace.Align(o.record.Origin(), part.Origin))
}
