package client

import (
	"context"
	"glasskv/trace"
)

type serverPart struct { fixed string; endpoints []string }

func (p *serverPart) told(url string) {}

func (c *Client) Join(ctx context.Context, o *Observation) (*trace.Timeline, error) { return o.Timeline(), nil }
