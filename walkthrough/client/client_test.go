package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/client/clienttest"
)

func dial(t *testing.T, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Dial(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func put(c *client.Client, key string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := pb.NewKVClient(c).Put(ctx, &pb.PutRequest{Key: []byte(key), Value: []byte("hello")})
		return err
	}
}

// wantTiles fails unless the ledger's rows lie side by side from begin to end.
func wantTiles(t *testing.T, tl *trace.Timeline) {
	t.Helper()
	var at int64
	for _, row := range tl.Ledger {
		if row.BeginNS != at || row.EndNS <= row.BeginNS {
			t.Errorf("%s: ledger row %+v behind %d", tl.TraceID, row, at)
		}
		at = row.EndNS
	}
	if at != tl.DurationNS {
		t.Errorf("%s: the ledger ends at %d, the request at %d", tl.TraceID, at, tl.DurationNS)
	}
}

func TestBothSidesOfARequestAreOneTimeline(t *testing.T) {
	server := clienttest.Start(t)
	ctx := servetest.Context(t)
	c := dial(t, client.Options{Endpoints: []string{server.Endpoint()}})
	for i, want := range [][]string{
		{"client.dial", "client.send", "net.request", "net.accept", "grpc.handleRawConn", "grpc.serveStreams", "v3rpc.Put", "wal.sync", "grpc.flush", "net.reply", "client.recv"},
		{"client.send", "net.request", "v3rpc.Put", "wal.sync", "grpc.flush", "net.reply", "client.recv"},
	} {
		o, err := c.Do(ctx, put(c, "greeting"))
		if err != nil {
			t.Fatal(err)
		}
		tl, err := c.Join(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		wantTiles(t, tl)
		for _, stage := range want {
			if tl.Stage(stage) == nil {
				t.Errorf("request %d: no %s", i, stage)
			}
		}
		if tl.Observer != trace.ObserverClient || tl.Code != "OK" || tl.Connection.Reused != (i > 0) {
			t.Errorf("request %d: seen by %q, code %q, connection %+v", i, tl.Observer, tl.Code, tl.Connection)
		}
		if tl.Explained < 0.95 {
			t.Errorf("request %d: only %.1f %% explained: %v", i, 100*tl.Explained, tl.Waited())
		}
	}
}

func TestManyRequestsAreJoinedAtOnce(t *testing.T) {
	const clients, each = 8, 40
	server := clienttest.Start(t)
	ctx := servetest.Context(t)
	c := dial(t, client.Options{Endpoints: []string{server.Endpoint()}})
	all := make([]*client.Observation, clients*each)
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			for i := range each {
				o, err := c.Do(ctx, put(c, fmt.Sprint(n)))
				if err != nil {
					t.Error(err)
				}
				all[n*each+i] = o
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	timelines, err := c.JoinAll(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	for i, tl := range timelines {
		wantTiles(t, tl)
		if tl.TraceID != all[i].TraceID() || tl.Stage("wal.sync") == nil {
			t.Errorf("timeline %d is not that of the request, or lacks the server's part", i)
		}
	}
}

func TestARequestWithoutAHandlerHasAServersPartToo(t *testing.T) {
	server := clienttest.Start(t)
	ctx := servetest.Context(t)
	c := dial(t, client.Options{Endpoints: []string{server.Endpoint()}, TraceURL: server.TraceURL})
	o, err := c.Do(ctx, func(ctx context.Context) error {
		return c.Invoke(ctx, "/etcdserverpb.KV/Increment", &pb.PutRequest{}, &pb.PutResponse{})
	})
	if status.Code(err) != codes.Unimplemented {
		t.Fatalf("an unknown method: %v", err)
	}
	tl, err := c.Join(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	wantTiles(t, tl)
	if tl.Code != "Unimplemented" || tl.Stage("grpc.handleStream") == nil || tl.Stage("grpc.processRPC") != nil {
		t.Errorf("code %q, stages %v", tl.Code, tl.Stages)
	}
}

// Where the server's part cannot be had, the client's is shown with the reason.
func TestTheClientsPartStandsAlone(t *testing.T) {
	ctx := servetest.Context(t)
	plain := servetest.Start(t, servetest.Config(t), serve.Seams{})
	gone := clienttest.Start(t)
	gone.CloseTrace()
	for _, c := range []struct {
		name    string
		options client.Options
		want    error // nil: any
	}{
		{"the server records nothing", client.Options{Endpoints: []string{plain.Endpoint()}}, client.ErrNoTraceURL},
		{"the trace endpoint is gone", client.Options{Endpoints: []string{gone.Endpoint()}}, syscall.ECONNREFUSED},
		{"the trace endpoint is no URL", client.Options{Endpoints: []string{plain.Endpoint()}, TraceURL: "2378"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := dial(t, c.options)
			o, err := client.Do(ctx, put(client, "greeting"))
			if err != nil {
				t.Fatal(err)
			}
			tl, err := client.Join(ctx, o)
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) {
				t.Errorf("join: %v", err)
			}
			wantTiles(t, tl)
			if tl.Stage("client.send") == nil || tl.Stage("v3rpc.Put") != nil || tl.Waited()[trace.Unexplained] == 0 {
				t.Errorf("not the client's part alone: %v", tl.Waited())
			}
			if _, err := client.JoinAll(ctx, nil); err == nil {
				t.Error("JoinAll found a server to ask")
			}
		})
	}
}

func TestAServerThatListensEverywhereIsAskedWhereItAnswers(t *testing.T) {
	server := clienttest.Start(t)
	ctx := servetest.Context(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.TraceURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, client.Options{Endpoints: []string{server.Endpoint()}, TraceURL: "http://0.0.0.0:" + port})
	o, err := c.Do(ctx, put(c, "greeting"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Join(ctx, o); err != nil {
		t.Error(err)
	}
}

func TestEndpointsThatMakeNoSenseAreRefused(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":              "missing port",
		"localhost":     "missing port",
		"unix://socket": "is not supported",
		"http://%zz":    "invalid URL escape",
	} {
		if _, err := client.Connect(client.Options{Endpoints: []string{endpoint}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", endpoint, err, want)
		}
	}
	if _, err := client.Dial(client.Options{}); err == nil {
		t.Error("no endpoint at all was accepted")
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := dial(t, client.Options{Endpoints: []string{addr}})
	o, err := c.Do(servetest.Context(t), put(c, "greeting"))
	var unreachable *client.UnreachableError
	if err := c.Explain(err); !errors.As(err, &unreachable) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("explained as %v", err)
	}
	if tl := o.Timeline(); tl.Code != "Unavailable" || tl.Stage("client.dial") == nil {
		t.Errorf("code %q, stages %v", tl.Code, tl.Stages)
	}
}

// A server that accepts and says nothing would be waited for without end.
func TestASilentServerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := dial(t, client.Options{Endpoints: []string{l.Addr().String()}, DialTimeout: 100 * time.Millisecond})
	if _, err := c.Do(servetest.Context(t), put(c, "greeting")); status.Code(err) != codes.Unavailable {
		t.Errorf("put: %v", err)
	}
}

func TestAnHTTPServerIsNoGRPCServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{ReadHeaderTimeout: time.Second}
	go func() { _ = web.Serve(l) }()
	defer web.Close()
	c, err := client.Connect(client.Options{Endpoints: []string{l.Addr().String()}, DialTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = pb.NewKVClient(c).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")})
	var unreachable *client.UnreachableError
	if err = c.Explain(err); status.Code(err) != codes.Unavailable || errors.As(err, &unreachable) {
		t.Errorf("put: %v", err)
	}
}
