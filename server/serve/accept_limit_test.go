package serve

import (
	"errors"
	"net"
	"testing"
)

// pipes is a listener that accepts whenever it is asked.
type pipes struct{ accepted chan struct{} }

func (p pipes) Accept() (net.Conn, error) {
	client, server := net.Pipe()
	_ = client.Close()
	p.accepted <- struct{}{}
	return server, nil
}
func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return nil }

// With all places taken, a connection is accepted when one that is open is
// closed, and not before. Closing twice frees one place.
func TestConnectionsAreLimited(t *testing.T) {
	stopping := make(chan struct{})
	under := pipes{make(chan struct{}, 8)}
	l := &limitedListener{Listener: under, slots: make(chan struct{}, 2), stopping: stopping}
	var open []net.Conn
	for range 2 {
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}
	next := make(chan error)
	accept := func() {
		_, err := l.Accept()
		next <- err
	}
	go accept()
	select {
	case err := <-next:
		t.Fatalf("a third connection was accepted: %v", err)
	default:
	}
	_ = open[0].Close()
	_ = open[0].Close()
	if err := <-next; err != nil {
		t.Fatal(err)
	}
	if n := len(under.accepted); n != 3 {
		t.Errorf("%d connections were taken from the system, want 3", n)
	}
	go accept()
	close(stopping)
	if err := <-next; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept while stopping: %v", err)
	}
}
