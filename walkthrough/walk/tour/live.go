package tour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"

	servercommand "glasskv/server/command"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/demo"
)

// LiveOptions say to which server requests are made.
type LiveOptions struct {
	Endpoint string                           // of a running server; empty: one of our own is started
	TraceURL string                           // where its timelines are; empty: where it says
	Creds    credentials.TransportCredentials // nil: as the endpoint's scheme says
	Log      *zap.Logger                      // of a server of our own
}

// Live makes requests and returns their timelines. Its methods may be called by any
// number of goroutines. Close it.
type Live struct {
	own      *demo.Live // nil where the server is somebody else's
	client   *client.Client
	traceURL string
	writes   atomic.Int64           // so that each write writes something new
	locked   atomic.Pointer[[]byte] // the key of the lock that is held
}

// The time that a request, and the question for its timeline, may take.
const (
	requestTimeout = 10 * time.Second
	fetchWait      = 2 * time.Second
)

// Start connects to a server, or starts one in this process. Nothing is sent to a
// running server before the first request, whose timeline shows the connection as
// well.
func Start(ctx context.Context, o LiveOptions) (l *Live, err error) {
	l = &Live{traceURL: cmp.Or(o.TraceURL, servercommand.DefaultTraceURL)}
	if o.Endpoint == "" {
		if l.own, err = demo.StartLive(ctx, demo.LiveOptions{Log: o.Log}); err != nil {
			return nil, fmt.Errorf("start a server: %w", err)
		}
		l.traceURL = l.own.TraceURL()
	}
	reach, err := l.reach(o)
	if err == nil {
		l.client, err = client.Dial(reach)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Live) reach(o LiveOptions) (client.Options, error) {
	if l.own != nil {
		return l.own.Reach()
	}
	return client.Options{Endpoints: []string{o.Endpoint}, TraceURL: o.TraceURL, Creds: o.Creds}, nil
}

// Server returns the server of our own; nil where it is somebody else's.
func (l *Live) Server() *demo.Live { return l.own }

// Do makes one of the requests that Requests lists and returns its timeline. That
// the request fails is no error as long as it has a timeline. It may take ten seconds,
// or as long as ctx says where it has a deadline.
func (l *Live) Do(ctx context.Context, name string) (*trace.Timeline, error) {
	r, err := find(name)
	if err != nil {
		return nil, err
	}
	if _, limited := ctx.Deadline(); !limited { // who may hold it knows how long it may take
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	if r.stream != nil {
		return l.doStream(ctx, r)
	}
	seen, sent := l.client.Do(ctx, func(ctx context.Context) error { return r.unary(l, ctx) })
	if seen == nil {
		return nil, fmt.Errorf("%s: %w", name, cmp.Or(l.client.Explain(sent), errors.New("the request was not recorded")))
	}
	t, err := l.client.Join(ctx, seen)
	if err != nil {
		why := l.client.Explain(sent)
		if neverLeft(why) {
			return nil, fmt.Errorf("%s: %w", name, why)
		}
		return nil, fmt.Errorf("%s: %w", name, errors.Join(why, err))
	}
	if r.after != nil {
		err = r.after(l, ctx)
	}
	return t, err
}

// neverLeft reports whether a request reached no server, which then has nothing to tell
// about it.
func neverLeft(err error) bool {
	_, unreachable := errors.AsType[*client.UnreachableError](err)
	_, noPeer := errors.AsType[*client.HandshakeError](err)
	return unreachable || noPeer
}

// doStream makes a request that our client does not observe: a stream. It names the
// trace itself, so that the server's timeline is found by it.
func (l *Live) doStream(ctx context.Context, r *request) (*trace.Timeline, error) {
	ctx, id := withTraceparent(ctx)
	if err := r.stream(l, ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, l.client.Explain(err))
	}
	e, err := l.endpoint().Get(ctx, id, fetchWait)
	if err != nil {
		return nil, err
	}
	return e.Timeline, nil
}

// Last returns the requests that the server finished last, the last one first.
func (l *Live) Last(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return l.endpoint().Last(ctx, n)
}

// Get returns a request that the server has seen, by its trace ID.
func (l *Live) Get(ctx context.Context, traceID string) (*trace.Timeline, error) {
	e, err := l.endpoint().Get(ctx, traceID, fetchWait)
	if err != nil {
		return nil, err
	}
	return e.Timeline, nil
}

func (l *Live) endpoint() *endpoint.Client { return &endpoint.Client{Base: l.traceURL} }

// Close closes the connection and ends a server of our own.
func (l *Live) Close() error {
	var errs []error
	if l.client != nil {
		errs = append(errs, l.client.Close())
	}
	if l.own != nil {
		errs = append(errs, l.own.Stop())
	}
	return errors.Join(errs...)
}
