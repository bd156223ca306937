package client

import (
	"context"
	"fmt"
	"time"

	"glasskv/trace"
	"glasskv/trace/endpoint"
)

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
func (o *Observation) JoinRecord(part *trace.Record) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline(), trace.Align(o.record.Origin(), part.Origin()))
}

func (o *Observation) join(part *endpoint.Envelope) *trace.Timeline {
	return trace.Merge(o.Timeline(), part.Timeline, trace.Align(o.record.Origin(), part.Origin))
}
