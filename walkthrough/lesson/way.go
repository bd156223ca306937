package lesson

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/walkthrough/client"
)

// way is how requests get to the server.
type way struct {
	to      client.Options
	shared  *client.Client // nil where each request has its own
	own     bool           // the connection is the step's, and closed with it
	relay   *relay         // nil for the direct way
	mu      sync.Mutex
	clients []*client.Client // that were opened on this way and are its own
}

// wayKey tells the connections apart that a lesson keeps open.
type wayKey struct {
	link   time.Duration
	window Size
}

// wayFor finds or makes the way for requests. A shared connection is opened out of
// sight.
func (p *player) wayFor(ctx context.Context, r *Requests) (*way, error) {
	key := wayKey{r.Link, r.Window}
	if r.Connection == connShared && p.ways[key] != nil {
		return p.ways[key], nil
	}
	w, err := p.newWay(ctx, r)
	if err != nil || r.Connection == connEach {
		return w, err
	}
	if w.shared, err = client.Dial(w.to); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if r.Connection == connFresh {
		return w, nil
	}
	w.own = false
	p.ways[key] = w
	_, err = pb.NewKVClient(w.shared).Range(ctx, &pb.RangeRequest{Key: []byte("open"), Serializable: true})
	return w, w.shared.Explain(err)
}

func (p *player) newWay(ctx context.Context, r *Requests) (*way, error) {
	to, err := p.live.Reach()
	if err != nil {
		return nil, err
	}
	w := &way{to: to, own: true}
	if r.Window > 0 {
		// Both windows are fixed, so that the client does not widen them by itself.
		w.to.Dial = append(w.to.Dial, grpc.WithStaticStreamWindowSize(int32(r.Window)), grpc.WithStaticConnWindowSize(int32(r.Window)))
	}
	if r.Link > 0 {
		if w.relay, err = newRelay(ctx, to.Endpoints[0], r.Link); err != nil {
			return nil, err
		}
		w.to.Endpoints = []string{w.relay.addr()}
	}
	return w, nil
}

// client returns a client for the next request.
func (w *way) client() (*client.Client, error) {
	if w.shared != nil {
		return w.shared, nil
	}
	c, err := client.Dial(w.to)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clients = append(w.clients, c)
	return c, nil
}

// done is called when a step is over: what it opened for itself is closed.
func (w *way) done() error {
	if !w.own {
		return nil
	}
	return w.close()
}

func (w *way) close() error {
	var errs []error
	if w.shared != nil {
		errs = append(errs, w.shared.Close())
	}
	for _, c := range w.clients {
		errs = append(errs, c.Close())
	}
	if w.relay != nil {
		errs = append(errs, w.relay.close())
	}
	w.shared, w.clients, w.relay = nil, nil, nil
	return errors.Join(errs...)
}
