package serve_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// gate holds every unary request before its handler until it is opened.
type gate struct {
	entered chan struct{}
	open    chan struct{}
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 1), open: make(chan struct{})} }

func (g *gate) seams() serve.Seams {
	var seams serve.Seams
	seams.Interceptors.InnerUnary = func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		g.entered <- struct{}{}
		select {
		case <-g.open:
			return next(ctx, req)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return seams
}

// put sends a put and returns where its outcome will arrive, once the server
// has it in its hands.
func (g *gate) put(ctx context.Context, node *servetest.Node) <-chan error {
	outcome := make(chan error, 1)
	go func() {
		_, err := pb.NewKVClient(node.Conn).Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: []byte("v")})
		outcome <- err
	}()
	<-g.entered
	return outcome
}

// A put is under way when the node is told to stop. The put is brought to its
// end, and what it wrote is there after a restart.
func TestGracefulStopLetsRunningRequestsFinish(t *testing.T) {
	cfg, ctx, g := servetest.Config(t), servetest.Context(t), newGate()
	node := servetest.Start(t, cfg, g.seams())

	// A stream that a client has open must not keep the node from stopping.
	// Its end shows that stopping has begun.
	watch, err := healthpb.NewHealthClient(node.Conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := watch.Recv(); err != nil || st.Status != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("health: %v, %v", st, err)
	}
	outcome := g.put(ctx, node)
	stopped := make(chan error, 1)
	go func() { stopped <- node.Stop(ctx) }()

	for err = nil; err == nil; {
		_, err = watch.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("the stream ended with %v", err)
	}
	close(g.open)
	if err := <-outcome; err != nil {
		t.Errorf("the put under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if _, err := net.Dial("tcp", node.Endpoint()); err == nil {
		t.Error("the port is still open")
	}
	if _, open := <-node.Err(); open {
		t.Error("stopping was reported as a failure")
	}

	again := servetest.Start(t, cfg, serve.Seams{})
	got, err := pb.NewKVClient(again.Conn).Range(ctx, &pb.RangeRequest{Key: []byte("k")})
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "v" {
		t.Errorf("after a restart: %v, %v", got, err)
	}
}

// When the time for a graceful stop is up, the request is cut off and both
// sides are told.
func TestStopDoesNotWaitForEver(t *testing.T) {
	ctx, g := servetest.Context(t), newGate()
	node := servetest.Start(t, servetest.Config(t), g.seams())
	outcome := g.put(ctx, node)

	impatient, cancel := context.WithCancel(ctx)
	cancel()
	err := node.Stop(impatient)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	if again := node.Stop(ctx); !errors.Is(again, err) {
		t.Errorf("stop again: %v, want %v", again, err)
	}
	if err := <-outcome; status.Code(err) != codes.Unavailable {
		t.Errorf("the put that was cut off: %v", err)
	}
}

func TestStopRightAfterStart(t *testing.T) {
	cfg, ctx := servetest.Config(t), servetest.Context(t)
	node, err := serve.Start(ctx, cfg, serve.Seams{})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	// Whatever it had begun, the directory is sound.
	servetest.Start(t, cfg, serve.Seams{})
}

// The same through net/http, which is asked first and has to give up first.
func TestStopDoesNotWaitForEverThroughServeHTTP(t *testing.T) {
	ctx, g, ca, cfg := servetest.Context(t), newGate(), servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.ServeTLSThroughHTTP = true
	node := servetest.Start(t, cfg, g.seams())
	outcome := g.put(ctx, node)

	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if err := node.Stop(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	if err := <-outcome; err == nil {
		t.Error("the put that was cut off succeeded")
	}
}

// A request that came through net/http may finish as well.
func TestGracefulStopThroughServeHTTP(t *testing.T) {
	ctx, g, ca, cfg := servetest.Context(t), newGate(), servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.ServeTLSThroughHTTP = true
	node := servetest.Start(t, cfg, g.seams())
	outcome := g.put(ctx, node)
	stopped := make(chan error, 1)
	go func() { stopped <- node.Stop(ctx) }()
	close(g.open)
	if err := <-outcome; err != nil {
		t.Errorf("the put under way: %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// A node that was stopped leaves no goroutine behind, whatever its clients were
// doing.
func TestStopLeavesNothingBehind(t *testing.T) {
	ca := servetest.NewAuthority(t)
	clients, silent := ca.Client(""), make([]net.Conn, 3)
	before := ownGoroutines()
	for range 2 {
		cfg := servetest.Config(t)
		ca.Secure(&cfg)
		cfg.ListenClientURLs = append(cfg.ListenClientURLs, types.MustNewURLs([]string{"http://localhost:0"})...)
		node, err := serve.Start(servetest.Context(t), cfg, serve.Seams{})
		if err != nil {
			t.Fatal(err)
		}
		<-node.ReadyNotify()
		for i := range silent {
			silent[i] = dial(t, node.ClientAddrs()[i%2].String())
		}
		if err := put(t, node.ClientAddrs()[0].String(), credentials.NewTLS(clients)); err != nil {
			t.Error(err)
		}
		web := browser(t, clients, true)
		if _, _, err := page(t, web, "https://"+node.ClientAddrs()[0].String()+"/health"); err != nil {
			t.Error(err)
		}
		if err := node.Stop(servetest.Context(t)); err != nil {
			t.Error(err)
		}
		web.CloseIdleConnections()
	}
	tick := time.NewTicker(10 * time.Millisecond) // nothing tells when a goroutine is gone
	defer tick.Stop()
	for ctx := servetest.Context(t); ; {
		after := ownGoroutines()
		if len(after) <= len(before) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d goroutines before, %d after:\n%s", len(before), len(after), strings.Join(after, "\n\n"))
		}
	}
}

// ownGoroutines returns the stacks of the goroutines that run code of glasskv, grpc-go,
// cmux, net/http or etcd's client packages.
func ownGoroutines() (stacks []string) {
	buf := make([]byte, 4<<20)
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		for _, whose := range []string{"glasskv/server/", "google.golang.org/grpc", "soheilhy/cmux", "net/http.", "etcd/client/pkg"} {
			if strings.Contains(stack, whose) {
				stacks = append(stacks, stack)
				break
			}
		}
	}
	return stacks
}
