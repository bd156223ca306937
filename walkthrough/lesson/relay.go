package lesson

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

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
