package client

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// plainKV is a server in which nothing is observed, so that a test sees the
// client's half alone.
type plainKV struct {
	pb.UnimplementedKVServer
	put func(context.Context, *pb.PutRequest) (*pb.PutResponse, error)
}

func (s *plainKV) Put(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	return s.put(ctx, r)
}

func (s *plainKV) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	return &pb.RangeResponse{Header: &pb.ResponseHeader{}, Count: int64(len(r.Key))}, nil
}

func answer(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 7}}, nil
}

// observedClient starts a plain server and returns a client of it that is
// observed, with a context that bounds the test.
func observedClient(t *testing.T, put func(context.Context, *pb.PutRequest) (*pb.PutResponse, error)) (context.Context, pb.KVClient) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterKVServer(server, &plainKV{put: put})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx, pb.NewKVClient(dialObserved(t, l.Addr().String()))
}

func dialObserved(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	rec := record.NewRecorder(record.Options{})
	t.Cleanup(func() {
		if err := rec.Close(context.Background()); err != nil {
			t.Errorf("close recorder: %v", err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///"+addr, New(rec).DialOptions(insecure.NewCredentials())...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// inOrder fails when the stamps do not rise; equal ones are in order.
func inOrder(t *testing.T, rec *record.Record, stages ...stages.Stage) {
	t.Helper()
	var last int64
	for _, s := range stages {
		begin, end := rec.Stamps(s)
		if begin == 0 || end == 0 {
			t.Errorf("%v is not stamped: %d … %d", s, begin, end)
		}
		if begin < last || end < begin {
			t.Errorf("%v is %d … %d, and the stage before it ended at %d", s, begin, end, last)
		}
		last = end
	}
}

func TestTheFirstCallDialsAndTheNextOneDoesNot(t *testing.T) {
	ctx, kv := observedClient(t, answer)
	callCtx, first := Observe(ctx)
	if _, err := kv.Put(callCtx, &pb.PutRequest{Key: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	inOrder(t, first.Record, stages.ClientDial, stages.ClientSend, stages.ClientRecv)

	callCtx, second := Observe(ctx)
	if _, err := kv.Put(callCtx, &pb.PutRequest{Key: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	inOrder(t, second.Record, stages.ClientSend, stages.ClientRecv)
	if begin, _ := second.Record.Stamps(stages.ClientDial); begin != 0 {
		t.Error("the second call says that it waited for the connection")
	}
	if !second.Record.Finished() || !second.Record.Has(record.MarkClient) {
		t.Error("the record is not finished, or not the client's")
	}
	tl := second.Record.Timeline()
	if tl.Observer != trace.ObserverClient || tl.Method != "/etcdserverpb.KV/Put" || tl.Code != "OK" {
		t.Errorf("timeline of %q, seen by %q, code %q", tl.Method, tl.Observer, tl.Code)
	}
	if recv := tl.Stage("client.recv"); recv.EndNS != tl.DurationNS {
		t.Errorf("client.recv ends at %d, the request at %d", recv.EndNS, tl.DurationNS)
	}
	if tl.BytesIn == 0 || tl.BytesOut == 0 {
		t.Errorf("%d bytes of request and %d of reply counted", tl.BytesIn, tl.BytesOut)
	}
}

// The request of each call is held back until all of them have arrived, and
// they are answered in the opposite order: whoever mixed up two streams would
// have stamps that are out of order, or of the wrong call.
func TestConcurrentCallsOnOneConnectionAreToldApart(t *testing.T) {
	const calls = 16
	var mu sync.Mutex
	arrived := 0
	turn := make([]chan struct{}, calls)
	for i := range turn {
		turn[i] = make(chan struct{})
	}
	ctx, kv := observedClient(t, func(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
		mu.Lock()
		arrived++
		if arrived == calls {
			close(turn[calls-1])
		}
		mu.Unlock()
		me := int(r.Key[0])
		select {
		case <-turn[me]:
			return answer(ctx, r)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	records := make([]*record.Record, calls)
	sizes := make([]int, calls)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			sizes[i] = 100 * (i + 1)
			callCtx, call := Observe(ctx)
			req := &pb.PutRequest{Key: []byte{byte(i)}, Value: bytes.Repeat([]byte("v"), sizes[i])}
			if _, err := kv.Put(callCtx, req); err != nil {
				t.Errorf("put %d: %v", i, err)
			}
			records[i] = call.Record
			if i > 0 {
				close(turn[i-1])
			}
		})
	}
	wg.Wait()
	for i, rec := range records {
		inOrder(t, rec, stages.ClientSend, stages.ClientRecv)
		// Headers and framing take less than what separates two calls' values.
		if in := int(rec.Timeline().BytesIn); in < sizes[i] {
			t.Errorf("call %d: %d bytes counted, its value alone has %d", i, in, sizes[i])
		}
		if i > 0 {
			got, _ := rec.Stamps(stages.ClientRecv)
			if next, _ := records[i-1].Stamps(stages.ClientRecv); got >= next {
				t.Errorf("call %d was answered before call %d and has the later stamp", i, i-1)
			}
		}
	}
}

func TestARequestLargerThanTheWindowIsSentWhenItsLastByteIs(t *testing.T) {
	ctx, kv := observedClient(t, answer)
	callCtx, call := Observe(ctx)
	value := bytes.Repeat([]byte("v"), 1<<20)
	if _, err := kv.Put(callCtx, &pb.PutRequest{Key: []byte("k"), Value: value}); err != nil {
		t.Fatal(err)
	}
	inOrder(t, call.Record, stages.ClientDial, stages.ClientSend, stages.ClientRecv)
	if in := call.Record.Timeline().BytesIn; in < 1<<20 {
		t.Errorf("%d bytes counted", in)
	}
}

func TestAReplyThatIsAnErrorEndsTheRecordWithItsCode(t *testing.T) {
	ctx, kv := observedClient(t, func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		return nil, status.Error(codes.FailedPrecondition, "not today")
	})
	callCtx, call := Observe(ctx)
	if _, err := kv.Put(callCtx, &pb.PutRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("put: %v", err)
	}
	tl := call.Record.Timeline()
	if tl.Code != "FailedPrecondition" || tl.Message != "not today" {
		t.Errorf("code %q, message %q", tl.Code, tl.Message)
	}
	inOrder(t, call.Record, stages.ClientDial, stages.ClientSend, stages.ClientRecv)
}

func TestACallThatIsGivenUpHasNoReply(t *testing.T) {
	begun := make(chan struct{})
	ctx, kv := observedClient(t, func(ctx context.Context, _ *pb.PutRequest) (*pb.PutResponse, error) {
		close(begun)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	callCtx, call := Observe(ctx)
	callCtx, cancel := context.WithCancel(callCtx)
	defer cancel()
	go func() {
		<-begun
		cancel()
	}()
	if _, err := kv.Put(callCtx, &pb.PutRequest{}); status.Code(err) != codes.Canceled {
		t.Fatalf("put: %v", err)
	}
	inOrder(t, call.Record, stages.ClientDial)
	if begin, _ := call.Record.Stamps(stages.ClientSend); begin == 0 {
		t.Error("client.send is not stamped")
	}
	if begin, _ := call.Record.Stamps(stages.ClientRecv); begin != 0 {
		t.Error("client.recv is stamped, without a reply")
	}
	if tl := call.Record.Timeline(); !call.Record.Finished() || tl.Code != "Canceled" {
		t.Errorf("finished: %v, code %q", call.Record.Finished(), tl.Code)
	}
}

func TestACallThatFindsNobodySpentItsTimeDialling(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, call := Observe(t.Context())
	_, err = pb.NewKVClient(dialObserved(t, addr)).Put(ctx, &pb.PutRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Fatalf("put: %v", err)
	}
	inOrder(t, call.Record, stages.ClientDial)
	if tl := call.Record.Timeline(); tl.Waited()["client.dial"] < tl.DurationNS/2 {
		t.Errorf("waited %v, in %d ns", tl.Waited(), tl.DurationNS)
	}
}

func TestTheServerIsToldTheTraceAndTellsWhereItIs(t *testing.T) {
	const url = "http://127.0.0.1:2378"
	var got string
	ctx, kv := observedClient(t, func(ctx context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		got = strings.Join(md.Get(HeaderTraceParent), " ")
		if err := grpc.SetHeader(ctx, metadata.Pairs(HeaderTraceURL, url)); err != nil {
			return nil, err
		}
		return answer(ctx, r)
	})
	callCtx, call := Observe(ctx)
	if _, err := kv.Put(callCtx, &pb.PutRequest{}); err != nil {
		t.Fatal(err)
	}
	if want := call.Record.TraceParent(); got != want {
		t.Errorf("the server got traceparent %q, the record's is %q", got, want)
	}
	if call.TraceURL != url {
		t.Errorf("trace URL %q", call.TraceURL)
	}
}
