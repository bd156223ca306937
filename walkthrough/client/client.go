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
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"glasskv/server/seam"
	"glasskv/trace"
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
	rec  *trace.Recorder
	part serverPart
}

// Dial prepares an observed connection. As with Connect, nothing is dialled
// before the first request: what that costs is in the first request's timeline.
func Dial(o Options) (*Client, error) {
	rec := trace.NewRecorder(trace.Options{})
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
	record *trace.Record
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
