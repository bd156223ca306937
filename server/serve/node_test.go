package serve_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/client/pkg/v3/types"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/raft/v3/raftpb"

	"glasskv/server/etcdserver"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// etcd's own client finds in GlassKV the store that it knows.
func TestEtcdsClientIsAtHome(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)

	put, err := client.Put(ctx, "greeting", "hello")
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	first := put.Header.Revision
	if put.Header.ClusterId == 0 || put.Header.MemberId == 0 || put.Header.RaftTerm == 0 {
		t.Errorf("put's header is not complete: %v", put.Header)
	}
	got, err := client.Get(ctx, "greeting")
	if err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "hello" {
		t.Fatalf("get: %v, %v", got, err)
	}
	txn, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.Value("greeting"), "=", "hello")).
		Then(clientv3.OpPut("greeting", "bye"), clientv3.OpGet("greeting")).
		Commit()
	if err != nil || !txn.Succeeded || txn.Header.Revision != first+1 {
		t.Fatalf("txn: %v, %v", txn, err)
	}
	if old, err := client.Get(ctx, "greeting", clientv3.WithRev(first)); err != nil || string(old.Kvs[0].Value) != "hello" {
		t.Fatalf("get at revision %d: %v, %v", first, old, err)
	}
	del, err := client.Delete(ctx, "greet", clientv3.WithPrefix())
	if err != nil || del.Deleted != 1 {
		t.Fatalf("delete: %v, %v", del, err)
	}
	if _, err := client.Compact(ctx, del.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatalf("compact: %v", err)
	}
	if _, err := client.Get(ctx, "greeting", clientv3.WithRev(first)); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("get of what was compacted: %v", err)
	}
	if _, err := client.Get(ctx, "greeting", clientv3.WithRev(first+1000)); !errors.Is(err, rpctypes.ErrFutureRev) {
		t.Errorf("get from the future: %v", err)
	}
	if _, err := client.Put(ctx, "", "x"); !errors.Is(err, rpctypes.ErrEmptyKey) {
		t.Errorf("put without key: %v", err)
	}
}

// The services beside KV tell who is there and how it is.
func TestNodeTellsHowItIs(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)

	st, err := client.Status(ctx, node.Endpoint())
	if err != nil || st.Leader != st.Header.MemberId || st.RaftAppliedIndex == 0 || st.DbSize == 0 || len(st.Errors) > 0 {
		t.Errorf("status: %v, %v", st, err)
	}
	members, err := client.MemberList(ctx)
	if err != nil || len(members.Members) != 1 {
		t.Fatalf("members: %v, %v", members, err)
	}
	if m := members.Members[0]; m.Name != "test" || len(m.ClientURLs) != 1 || m.ClientURLs[0] != "http://"+node.Endpoint() {
		t.Errorf("member: %v", m)
	}
	health, err := healthpb.NewHealthClient(node.Conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil || health.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", health, err)
	}
	if alarms, err := client.AlarmList(ctx); err != nil || len(alarms.Alarms) != 0 {
		t.Errorf("alarms: %v, %v", alarms, err)
	}
	err = node.Conn.Invoke(ctx, "/etcdserverpb.Missing/Call", &pb.StatusRequest{}, &pb.StatusResponse{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("a service that is not there: %v", err)
	}
}

func TestKeysLiveAsLongAsTheirLease(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)

	lease, err := client.Grant(ctx, 600)
	if err != nil {
		t.Fatalf("grant: %v", err)
	}
	if _, err := client.Put(ctx, "session", "1", clientv3.WithLease(lease.ID)); err != nil {
		t.Fatalf("put with lease: %v", err)
	}
	if _, err := client.Revoke(ctx, lease.ID); err != nil {
		t.Fatalf("revoke: %v", err)
	}
	if got, err := client.Get(ctx, "session"); err != nil || got.Count != 0 {
		t.Errorf("the key outlived its lease: %v, %v", got, err)
	}
	if _, err := client.Put(ctx, "session", "1", clientv3.WithLease(lease.ID)); !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		t.Errorf("put with a lease that is gone: %v", err)
	}
}

// Just above the limit, the server says that the request is too large. Far
// above it, grpc-go does, and does not even read it.
func TestRequestsThatAreTooLarge(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.MaxRequestBytes = 1024
	node := servetest.Start(t, cfg, serve.Seams{})
	ctx := servetest.Context(t)
	kv := pb.NewKVClient(node.Conn)

	put := func(size int) error {
		_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: make([]byte, size)})
		return err
	}
	if err := put(512); err != nil {
		t.Errorf("below the limit: %v", err)
	}
	if err := put(2048); !errors.Is(rpctypes.Error(err), rpctypes.ErrRequestTooLarge) {
		t.Errorf("above the limit: %v", err)
	}
	if err := put(1024 * 1024); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("far above the limit: %v", err)
	}
}

// A second server on the same port finds out before it touches its directory.
func TestPortInUse(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})

	cfg := servetest.Config(t)
	cfg.DataDir += "/data"
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://" + node.Endpoint()})
	_, err := serve.Start(t.Context(), cfg, serve.Seams{})
	var le *serve.ListenError
	if !errors.As(err, &le) || le.For != "client" || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second server: %v", err)
	}
	if _, err := os.Stat(cfg.DataDir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its data directory: %v", err)
	}
}

func TestAddressesThatAreNotSupported(t *testing.T) {
	for url, want := range map[string]error{
		"https://127.0.0.1:0": serve.ErrPeerNotSupported,
		"unix://127.0.0.1:0":  serve.ErrPeerNotSupported,
	} {
		cfg := servetest.Config(t)
		cfg.ListenPeerURLs = types.MustNewURLs([]string{url})
		if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", url, err, want)
		}
	}
}

// No member can be reached through the peer port yet. Who tries is hung up on.
func TestPeerPortHangsUp(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := servetest.Config(t)
	cfg.ListenPeerURLs = types.MustNewURLs([]string{"http://" + addr})
	servetest.Start(t, cfg, serve.Seams{})

	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("the peer port is not held: %v", err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}

// failing is a storage whose disk breaks when told.
type failing struct {
	etcdserver.Storage
	broken <-chan struct{}
}

var errDisk = errors.New("input/output error")

func (f failing) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	select {
	case <-f.broken:
		return errDisk
	default:
		return f.Storage.Save(st, ents)
	}
}

// When a write cannot be made durable, nobody is told that it was, the node
// says why it gave up, and it can still be stopped.
func TestBrokenDiskAcknowledgesNothing(t *testing.T) {
	broken := make(chan struct{})
	var seams serve.Seams
	seams.Server.Storage = func(s etcdserver.Storage) etcdserver.Storage { return failing{s, broken} }
	node := servetest.Start(t, servetest.Config(t), seams)
	ctx := servetest.Context(t)
	kv := pb.NewKVClient(node.Conn)

	if _, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatalf("put on a sound disk: %v", err)
	}
	close(broken)
	if _, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("k")}); err == nil {
		t.Error("a put was acknowledged that is on no disk")
	}
	select {
	case err := <-node.Err():
		if !errors.Is(err, errDisk) {
			t.Errorf("the node gave up with %v", err)
		}
	case <-ctx.Done():
		t.Fatal("the node did not give up")
	}
	if err := node.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// Each seam of the front sees a request once, in the order of the path.
func TestSeamsStandInTheOrderOfThePath(t *testing.T) {
	seen := make(chan string, 16)
	var seams serve.Seams
	seams.Listener = func(l net.Listener) net.Listener { return seenListener{l, seen} }
	seams.Interceptors.OuterUnary = func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		seen <- "outer"
		return next(ctx, req)
	}
	seams.Interceptors.InnerUnary = func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		seen <- "inner"
		return next(ctx, req)
	}
	seams.ServiceDesc = func(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
		wrapped := *desc
		wrapped.Methods = append([]grpc.MethodDesc(nil), desc.Methods...)
		for i, m := range wrapped.Methods {
			wrapped.Methods[i].Handler = func(srv any, ctx context.Context, dec func(any) error, in grpc.UnaryServerInterceptor) (any, error) {
				seen <- m.MethodName
				return m.Handler(srv, ctx, dec, in)
			}
		}
		return &wrapped
	}
	node := servetest.Start(t, servetest.Config(t), seams)
	if _, err := pb.NewKVClient(node.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	close(seen)
	var order []string
	for s := range seen {
		order = append(order, s)
	}
	if got, want := strings.Join(order, " "), "accept Put outer inner"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type seenListener struct {
	net.Listener
	seen chan<- string
}

func (l seenListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.seen <- "accept"
	}
	return conn, err
}
