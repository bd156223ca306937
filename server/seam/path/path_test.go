package path

import (
	"context"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"
)

// Many clients write and read on a real server, each request with a record. Nothing keeps a
// request that is over: an entry that belongs to no request would be taken for its.
func TestNothingKeepsARequestThatIsOver(t *testing.T) {
	recorder := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = recorder.Close(context.Background()) })
	p, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	node := servetest.Start(t, servetest.Config(t), serve.Seams{
		Server: p.Seams(),
		Interceptors: serve.Interceptors{
			InnerUnary: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
				rec := recorder.Start(nil, 1, record.Now())
				return next(context.WithValue(ctx, record.ContextKey(), rec), req)
			},
		},
	})
	const clients, rounds = 16, 10
	seamtest.Load(t, pb.NewKVClient(node.Conn), clients, rounds)
	if err := node.Stop(seamtest.Limit(t)); err != nil { // apply is through with its last entry then
		t.Fatal(err)
	}
	if p.applying.applied.Load() < clients*rounds {
		t.Errorf("%d entries are applied, want at least %d", p.applying.applied.Load(), clients*rounds)
	}
	if rec := p.applying.current.Load(); rec != nil {
		t.Errorf("request %d is still being applied", rec.RequestID())
	}
	if n := p.requests.len(); n != 0 {
		t.Errorf("%d requests are still in the table", n)
	}
	if n := p.WaitingReaders(nil); n != 0 {
		t.Errorf("%d readers still wait", n)
	}
}
