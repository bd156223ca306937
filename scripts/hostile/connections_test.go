package hostile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
)

// idleConnections opens connections and says nothing on them. A new client is
// still let in.
func idleConnections(ctx context.Context, w world) error {
	return w.connections(ctx, w.size(500, 10_000), func(net.Conn, int) error { return nil })
}

// When the server has no descriptors left, it neither spins nor ends: who is
// connected is served on, and who comes later is let in as soon as others leave.
func TestMoreConnectionsThanDescriptors(t *testing.T) {
	c := start(t, filesEnv+"=150")
	n := newNeighbour(t, c.Addr)
	if _, err := n.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := world{addr: c.Addr}
	found, err := n.during(t.Context(), func(ctx context.Context) error {
		return w.connections(ctx, 300, func(net.Conn, int) error { return nil })
	})
	if err := errors.Join(err, found.err); err != nil {
		t.Fatal(err)
	}
	if _, err := newNeighbour(t, c.Addr).write(t.Context()); err != nil {
		t.Errorf("a client that came afterwards: %v", err)
	}
}

// connections opens count connections, does something on each, and keeps all of
// them until a new client has been served.
func (w world) connections(ctx context.Context, count int, act func(conn net.Conn, i int) error) error {
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for i := range count {
		conn, err := dial(ctx, w.addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		open = append(open, conn)
		if err := act(conn, i); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	if w.newcomer == nil {
		return nil
	}
	return w.newcomer(ctx)
}
