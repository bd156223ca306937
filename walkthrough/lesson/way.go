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

// relay is a long line between a client and the server: whatever is sent arrives
// later by a fixed time, in each direction. It does not limit how much is under way.
type relay struct {
	listener net.Listener
	server   string
	delay    time.Duration
	ctx      context.Context
	hangUp   context.CancelFunc
	lines    sync.WaitGroup
}

// newRelay begins to listen on the loopback interface. Close ends it.
func newRelay(ctx context.Context, server string, delay time.Duration) (*relay, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: l, server: server, delay: delay}
	r.ctx, r.hangUp = context.WithCancel(context.WithoutCancel(ctx))
	r.lines.Go(r.accept)
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// close hangs up and waits until nothing of it is left.
func (r *relay) close() error {
	r.hangUp()
	err := r.listener.Close()
	r.lines.Wait()
	return err
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.lines.Go(func() { r.join(near) })
	}
}

// join connects one client with the server until either hangs up.
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
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			defer over()
			r.carry(ctx, way[1], way[0])
		})
	}
	both.Wait()
}

// parcel is what was read at once, and when it is to arrive.
type parcel struct {
	bytes []byte
	due   time.Time
}

// parcels is how many may be under way; far more than fit into the sockets.
const parcels = 4096

// carry reads from one end and writes to the other when the time has come.
func (r *relay) carry(ctx context.Context, to io.Writer, from io.Reader) {
	line := make(chan parcel, parcels)
	var sending sync.WaitGroup
	sending.Go(func() {
		for p := range line {
			if wait(ctx, time.Until(p.due)) == nil {
				_, _ = to.Write(p.bytes) // where that end is gone, its own reader says so
			}
		}
	})
	for {
		buffer := make([]byte, 32<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			line <- parcel{buffer[:n], time.Now().Add(r.delay)}
		}
		if err != nil {
			break
		}
	}
	close(line)
	sending.Wait()
}
