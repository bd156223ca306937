package lesson

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/walkthrough/client"
)

// route is how requests reach the server. client is safe for concurrent use; the other
// methods are not.
type route struct {
	options client.Options
	shared  *client.Client // nil if each request has its own connection
	owned   bool           // release closes the route: it belongs to one step
	relay   *relay         // nil for a direct connection
	mu      sync.Mutex
	clients []*client.Client // the clients that client dialled
}

// routeKey identifies a connection that stays open for the whole lesson.
type routeKey struct {
	link   time.Duration
	window Size
}

// routeFor returns the route for requests. If it makes a new shared connection, it
// opens it with a request that is not part of any result.
func (p *player) routeFor(ctx context.Context, r *Requests) (*route, error) {
	key := routeKey{r.Link, r.Window}
	if r.Connection == connShared && p.routes[key] != nil {
		return p.routes[key], nil
	}
	rt, err := p.newRoute(ctx, r)
	if err != nil || r.Connection == connEach {
		return rt, err
	}
	if rt.shared, err = client.Dial(rt.options); err != nil {
		return nil, errors.Join(err, rt.close())
	}
	if r.Connection == connFresh {
		return rt, nil
	}
	rt.owned = false
	p.routes[key] = rt
	_, err = pb.NewKVClient(rt.shared).Range(ctx, &pb.RangeRequest{Key: []byte("open"), Serializable: true})
	return rt, rt.shared.Explain(err)
}

func (p *player) newRoute(ctx context.Context, r *Requests) (*route, error) {
	direct, err := p.live.Reach()
	if err != nil {
		return nil, err
	}
	rt := &route{options: direct, owned: true}
	if r.Window > 0 {
		// Static windows keep grpc-go's BDP estimator from enlarging them.
		rt.options.Dial = append(rt.options.Dial, grpc.WithStaticStreamWindowSize(int32(r.Window)), grpc.WithStaticConnWindowSize(int32(r.Window)))
	}
	if r.Link > 0 {
		if rt.relay, err = newRelay(ctx, direct.Endpoints[0], r.Link); err != nil {
			return nil, err
		}
		rt.options.Endpoints = []string{rt.relay.addr()}
	}
	return rt, nil
}

// client returns a client for the next request: the shared one or a new one.
func (r *route) client() (*client.Client, error) {
	if r.shared != nil {
		return r.shared, nil
	}
	c, err := client.Dial(r.options)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients = append(r.clients, c)
	return c, nil
}

// release closes the route if it belongs to the step. It is called at the end of the
// step.
func (r *route) release() error {
	if !r.owned {
		return nil
	}
	return r.close()
}

func (r *route) close() error {
	var errs []error
	if r.shared != nil {
		errs = append(errs, r.shared.Close())
	}
	for _, c := range r.clients {
		errs = append(errs, c.Close())
	}
	if r.relay != nil {
		errs = append(errs, r.relay.close())
	}
	r.shared, r.clients, r.relay = nil, nil, nil
	return errors.Join(errs...)
}

// relay forwards connections to the server and delays all bytes by a fixed time in each
// direction. It does not limit the bandwidth.
type relay struct {
	listener net.Listener
	server   string
	delay    time.Duration
	ctx      context.Context
	hangUp   context.CancelFunc
	running  sync.WaitGroup
}

// newRelay starts a relay that listens on the loopback interface, until close.
func newRelay(ctx context.Context, server string, delay time.Duration) (*relay, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, server: server, delay: delay}
	r.ctx, r.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	r.running.Go(r.accept)
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// close closes all connections and waits until all goroutines of the relay have ended.
func (r *relay) close() error {
	r.hangUp()
	err := r.listener.Close()
	r.running.Wait()
	return err
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.running.Go(func() { r.join(near) })
	}
}

// join forwards between one client and the server until either hangs up.
func (r *relay) join(near net.Conn) {
	defer near.Close()
	far, err := new(net.Dialer).DialContext(r.ctx, "tcp", r.server)
	if err != nil {
		return // the client sees its connection end
	}
	defer far.Close()
	ctx, over := context.WithCancel(r.ctx)
	defer over()
	defer context.AfterFunc(ctx, func() { _, _ = near.Close(), far.Close() })()
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			defer over()
			r.forward(ctx, pair[1], pair[0])
		})
	}
	both.Wait()
}

// chunk is the result of one read, and when to write it.
type chunk struct {
	bytes []byte
	due   time.Time
}

// maxInFlight is how many chunks may be in flight; far more than the sockets hold.
const maxInFlight = 4096

// forward copies from one connection to the other with the delay.
func (r *relay) forward(ctx context.Context, to io.Writer, from io.Reader) {
	line := make(chan chunk, maxInFlight)
	var sending sync.WaitGroup
	sending.Go(func() {
		for p := range line {
			if sleep(ctx, time.Until(p.due)) == nil {
				_, _ = to.Write(p.bytes) // the reader of that connection sees its error
			}
		}
	})
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			line <- chunk{buffer[:n], time.Now().Add(r.delay)}
		}
		if err != nil {
			break
		}
	}
	close(line)
	sending.Wait()
}
