package front

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"

	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// rig is a gRPC server with the front's seams and a key-value service that does
// what the test says.
type rig struct {
	testing.TB
	kv       *fakeKV
	health   *health.Server
	front    *Front
	recorder *record.Recorder
	server   *grpc.Server
	addr     string
	finished chan *record.Record
	taken    int
	stop     func(graceful bool) // stops the server and returns when it has stopped
}

// fakeKV answers everything with an empty reply, unless told otherwise.
type fakeKV struct {
	pb.UnimplementedKVServer
	put    func(context.Context, *pb.PutRequest) (*pb.PutResponse, error)
	stream func(*pb.RangeRequest, grpc.ServerStreamingServer[pb.RangeStreamResponse]) error
}

func (f *fakeKV) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	if f.put != nil {
		return f.put(ctx, r)
	}
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 7}}, nil
}

func (f *fakeKV) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	return &pb.RangeResponse{}, nil
}

func (f *fakeKV) RangeStream(r *pb.RangeRequest, ss grpc.ServerStreamingServer[pb.RangeStreamResponse]) error {
	return f.stream(r, ss)
}

// newRig starts a server. When the test is over it must have taken every record
// that was finished, no more and no less, and nothing may be left unfinished.
func newRig(t testing.TB, options Options, more ...grpc.ServerOption) *rig {
	r := &rig{TB: t, kv: &fakeKV{}, health: health.NewServer(), finished: make(chan *record.Record, 4096)}
	r.recorder = record.NewRecorder(record.Options{})
	r.recorder.Subscribe(func(rec *record.Record) { r.finished <- rec })
	r.front = frontOf(r.recorder, options)
	f := r.front.Seams()
	opts := slices.Concat(f.Options, more, []grpc.ServerOption{
		grpc.WaitForHandlers(true),
		grpc.Creds(f.Creds(insecure.NewCredentials())),
		grpc.ChainUnaryInterceptor(f.Interceptors.InnerUnary), grpc.UnaryInterceptor(f.Interceptors.OuterUnary),
		grpc.ChainStreamInterceptor(f.Interceptors.InnerStream), grpc.StreamInterceptor(f.Interceptors.OuterStream),
	})
	r.server = grpc.NewServer(opts...)
	r.server.RegisterService(f.ServiceDesc(&pb.KV_ServiceDesc), r.kv)
	r.server.RegisterService(f.ServiceDesc(&healthpb.Health_ServiceDesc), r.health)

	plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = plain.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(f.Listener(plain)) }()
	r.stop = func(graceful bool) {
		if graceful {
			r.server.GracefulStop()
		} else {
			r.server.Stop()
		}
	}
	t.Cleanup(func() {
		r.health.Shutdown()
		r.server.Stop()
		// A short test may be over before Serve has begun.
		if err := seamtest.Await(t, "Serve", served); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("serve: %v", err)
		}
		r.settle()
	})
	return r
}

// frontOf returns the front's seams alone: nobody is held, and no fault is on.
func frontOf(rec *record.Recorder, options Options) *Front {
	h := hold.New(rec, 0)
	return New(rec, h, fault.New(rec, h.Publish, 0), options)
}

// settle checks that the records add up.
func (r *rig) settle() {
	r.front.Close()
	if err := r.recorder.Close(context.Background()); err != nil {
		r.Errorf("close the recorder: %v", err)
	}
	stats := r.recorder.Stats()
	if stats.Live != 0 || stats.Begun != stats.Finished {
		r.Errorf("%d requests begun, %d finished, %d under way; want none left", stats.Begun, stats.Finished, stats.Live)
	}
	if int(stats.Finished) != r.taken {
		r.Errorf("%d records finished, the test has taken %d", stats.Finished, r.taken)
	}
	r.front.conns.Range(func(key, _ any) bool {
		c, _ := key.(*serverConn)
		r.Errorf("connection %d is still known, with %d requests", c.trace.ID, c.streams.each(func(*stream) {}))
		return true
	})
}

// record takes the next finished record.
func (r *rig) record() *record.Record {
	r.Helper()
	r.taken++
	return seamtest.Await(r, "record", r.finished)
}

// dial connects a real client.
func (r *rig) dial(opts ...grpc.DialOption) *grpc.ClientConn {
	opts = append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))
	cc, err := grpc.NewClient(r.addr, opts...)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = cc.Close() })
	return cc
}

// expect is what a finished record should say.
type expect struct {
	method  string
	code    codes.Code
	message string // all of it
	marks   record.Mark
	without record.Mark
	reached []stages.Stage
	missed  []stages.Stage
}

// noCode is the code of a request that was never answered.
const noCode = codes.Code(99)

func (r *rig) check(rec *record.Record, want expect) *trace.Timeline {
	r.Helper()
	t := rec.Timeline()
	if t.Method != want.method {
		r.Errorf("method = %q, want %q", t.Method, want.method)
	}
	if code := want.code.String(); want.code == noCode && t.Code != "" || want.code != noCode && t.Code != code {
		r.Errorf("code = %q, want %s", t.Code, code)
	}
	if want.message != "" && t.Message != want.message {
		r.Errorf("message = %q, want %q", t.Message, want.message)
	}
	if !rec.Has(want.marks) {
		r.Errorf("marks %b missing in %v", want.marks, t.Attributes)
	}
	if want.without != 0 && rec.Has(want.without) {
		r.Errorf("marks %b set in %v", want.without, t.Attributes)
	}
	for _, s := range want.reached {
		if t.Stage(s.String()) == nil {
			r.Errorf("%s is not in the timeline", s)
		}
	}
	for _, s := range want.missed {
		if t.Stage(s.String()) != nil {
			r.Errorf("%s is in the timeline", s)
		}
	}
	r.ordered(t)
	return t
}

// ordered checks that nothing ended before it began and that the ledger tiles
// the request.
func (r *rig) ordered(t *trace.Timeline) {
	r.Helper()
	at := int64(0)
	for _, row := range t.Ledger {
		if row.BeginNS != at || row.EndNS <= row.BeginNS {
			r.Errorf("ledger row %+v does not follow %d", row, at)
		}
		at = row.EndNS
	}
	if at != t.DurationNS {
		r.Errorf("ledger ends at %d of %d", at, t.DurationNS)
	}
}

// handler makes a Put that reports when it runs, and waits until it is released or its
// context ends.
type handler struct {
	running chan context.Context
	release chan struct{}
	once    sync.Once
}

func (r *rig) holdPut() *handler {
	h := &handler{running: make(chan context.Context, 64), release: make(chan struct{})}
	r.kv.put = func(ctx context.Context, _ *pb.PutRequest) (*pb.PutResponse, error) {
		h.running <- ctx
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.release:
			return &pb.PutResponse{}, nil
		}
	}
	r.Cleanup(h.free)
	return h
}

func (h *handler) free() { h.once.Do(func() { close(h.release) }) }

// ctxOf waits until the handler runs, and returns its context.
func ctxOf(t testing.TB, h *handler) context.Context { return seamtest.Await(t, "handler", h.running) }
