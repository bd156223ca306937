package front

import (
	"context"
	"net"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
)

// idle is a stats handler that does nothing. Having one at all costs grpc-go
// some allocations, which are not the seams'.
type idle struct{}

func (idle) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (idle) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (idle) HandleConn(context.Context, stats.ConnStats)                       {}
func (idle) HandleRPC(context.Context, stats.RPCStats)                         {}

// passOn stands for the interceptor that a server has anyway.
func passOn(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	return next(ctx, req)
}

// putter starts a server, plain or observed, and returns a client's Put.
func putter(t testing.TB, observed bool) func() {
	opts := []grpc.ServerOption{grpc.StatsHandler(idle{}), grpc.ChainUnaryInterceptor(passOn)}
	desc, listen := &pb.KV_ServiceDesc, func(l net.Listener) net.Listener { return l }
	if observed {
		recorder := record.NewRecorder(record.Options{})
		o := frontOf(recorder, Options{})
		t.Cleanup(func() {
			o.Close()
			_ = recorder.Close(context.Background())
		})
		f := o.Seams()
		opts = append([]grpc.ServerOption{grpc.ChainUnaryInterceptor(f.Interceptors.OuterUnary, passOn, f.Interceptors.InnerUnary)}, f.Options...)
		desc, listen = f.ServiceDesc(desc), f.Listener
	}
	server := grpc.NewServer(opts...)
	server.RegisterService(desc, &fakeKV{})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listen(l)) }() // Stop ends it
	t.Cleanup(server.Stop)
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	client, ctx := pb.NewKVClient(cc), seamtest.Limit(t)
	request := &pb.PutRequest{Key: []byte("key"), Value: make([]byte, 256)}
	return func() {
		if _, err := client.Put(ctx, request); err != nil {
			t.Fatal(err)
		}
	}
}

// maxAllocs is what recording a request may cost beyond an idle stats handler.
const maxAllocs = 8

func TestRecordingARequestTakesFewAllocations(t *testing.T) {
	plain, observed := putter(t, false), putter(t, true)
	const runs = 2000
	without, with := testing.AllocsPerRun(runs, plain), testing.AllocsPerRun(runs, observed)
	t.Logf("%.0f allocations for a put, %.0f with the seams", without, with)
	if more := with - without; more > maxAllocs {
		t.Errorf("%.0f allocations more, want at most %d", more, maxAllocs)
	}
}

// BenchmarkPut compares a put without and with the seams, client included.
func BenchmarkPut(b *testing.B) {
	for name, observed := range map[string]bool{"plain": false, "observed": true} {
		b.Run(name, func(b *testing.B) {
			put := putter(b, observed)
			b.ReportAllocs()
			for b.Loop() {
				put()
			}
		})
	}
}
