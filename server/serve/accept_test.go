package serve_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/credentials/insecure"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// errNoFiles is what accept says when no file descriptor is left.
var errNoFiles = &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}

// failingListener fails a number of times before it accepts.
type failingListener struct {
	net.Listener
	left  *atomic.Int32
	tries *atomic.Int32
}

func (l failingListener) Accept() (net.Conn, error) {
	l.tries.Add(1)
	if l.left.Add(-1) >= 0 {
		return nil, errNoFiles
	}
	return l.Listener.Accept()
}

// No file descriptor is left for a while. The node waits longer each time instead
// of trying as fast as it can, and goes on when there are some again, whoever
// runs the accept loop.
func TestAcceptThatFailsForAWhile(t *testing.T) {
	const failures = 5 // 5, 10, 20, 40 and 80 ms
	const atLeast = 155 * time.Millisecond
	for name, place := range map[string]func(*serve.Seams, func(net.Listener) net.Listener){
		"cmux's loop":    func(s *serve.Seams, wrap func(net.Listener) net.Listener) { s.Accept = wrap },
		"grpc-go's loop": func(s *serve.Seams, wrap func(net.Listener) net.Listener) { s.Listener = wrap },
	} {
		t.Run(name, func(t *testing.T) {
			var left, tries atomic.Int32
			left.Store(failures)
			var seams serve.Seams
			place(&seams, func(l net.Listener) net.Listener { return failingListener{l, &left, &tries} })
			cfg := servetest.Config(t)
			begin := time.Now()
			node := servetest.Start(t, cfg, seams)
			if err := put(t, node.Endpoint(), insecure.NewCredentials()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took < atLeast {
				t.Errorf("%d failures took %s: somebody did not wait", failures, took)
			}
			if n := tries.Load(); n > failures+3 {
				t.Errorf("accept was called %d times", n)
			}
		})
	}
}

// A node that cannot accept can be stopped.
func TestStopWhileAcceptFails(t *testing.T) {
	var left, tries atomic.Int32
	left.Store(1 << 30)
	var seams serve.Seams
	seams.Accept = func(l net.Listener) net.Listener { return failingListener{l, &left, &tries} }
	node := servetest.Start(t, servetest.Config(t), seams)
	if err := node.Stop(servetest.Context(t)); err != nil {
		t.Error(err)
	}
	if _, open := <-node.Err(); open {
		t.Error("stopping was reported as a failure")
	}
}

// An error that does not pass is the end of the address, and the node says so.
func TestAcceptThatFailsForGood(t *testing.T) {
	var seams serve.Seams
	seams.Accept = func(l net.Listener) net.Listener { return brokenListener{l} }
	node := servetest.Start(t, servetest.Config(t), seams)
	var se *serve.AddrError
	select {
	case err := <-node.Err():
		if !errors.As(err, &se) || !errors.Is(err, errBroken) {
			t.Errorf("the node gave up with %v", err)
		}
	case <-servetest.Context(t).Done():
		t.Fatal("the node did not give up")
	}
}

var errBroken = errors.New("broken")

type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

// dial connects and hangs up when the test is over.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(servetest.Context(t), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(servetest.Timeout)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Whoever says nothing, or only half of something, does not hold a connection for
// ever.
func TestSilentClientsAreHungUpOn(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.ConnectionTimeout = 50 * time.Millisecond
	secure := servetest.Start(t, cfg, serve.Seams{})
	cfg = servetest.Config(t)
	cfg.ConnectionTimeout = 50 * time.Millisecond
	plain := servetest.Start(t, cfg, serve.Seams{})
	for name, c := range map[string]struct{ addr, says string }{
		"nothing":               {plain.Endpoint(), ""},
		"half a preface":        {plain.Endpoint(), "PRI * HT"},
		"a preface":             {plain.Endpoint(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		"half a request":        {plain.Endpoint(), "GET /health HT"},
		"headers without end":   {plain.Endpoint(), "GET /health HTTP/1.1\r\nA: b\r\n"},
		"nothing, where is TLS": {secure.Endpoint(), ""},
		"half a ClientHello":    {secure.Endpoint(), "\x16\x03\x01\x02\x00\x01"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, c.addr)
			if _, err := io.WriteString(conn, c.says); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
		})
	}
}

// What is neither HTTP/1 nor HTTP/2 nor TLS is hung up on at once.
func TestNobodyKnowsWhatThisClientSpeaks(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	nodes := map[string]*servetest.Node{
		"clear":  servetest.Start(t, servetest.Config(t), serve.Seams{}),
		"secure": servetest.Start(t, cfg, serve.Seams{}),
	}
	for name, node := range nodes {
		conn := dial(t, node.Endpoint())
		if _, err := io.WriteString(conn, "EHLO glass.example\r\n\r\nand much more than that\r\n"); err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) || n > 0 {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// However many clients have connected and said nothing, or stand by between two
// requests, stopping does not wait for them.
func TestStopDoesNotWaitForSilentClients(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.ConnectionTimeout = time.Hour
	node := servetest.Start(t, cfg, serve.Seams{})
	dial(t, node.Endpoint())
	hello := dial(t, node.Endpoint())
	if _, err := io.WriteString(hello, "\x16\x03\x01"); err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		client := ca.Client("")
		client.NextProtos = []string{proto}
		conn, err := (&tls.Dialer{Config: client}).DialContext(servetest.Context(t), "tcp", node.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	if _, _, err := page(t, browser(t, ca.Client(""), false), "https://"+node.Endpoint()+"/version"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := node.Stop(servetest.Context(t)); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("stopping took %s", took)
	}
}
