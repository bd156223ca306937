package front

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// putPath holds the stages of a unary Put in the order in which they begin, each
// with the stage that it lies in.
var putPath = []struct{ stage, inside stages.Stage }{
	{stages.OperateHeaders, stages.None},
	{stages.StartHandler, stages.None},
	{stages.HandleStream, stages.None},
	{stages.ProcessRPC, stages.HandleStream},
	{stages.RecvMsg, stages.ProcessRPC},
	{stages.CodecDecode, stages.RecvMsg},
	{stages.Interceptors, stages.ProcessRPC},
	{stages.V3Put, stages.Interceptors},
	{stages.SendMsg, stages.ProcessRPC},
	{stages.CodecEncode, stages.SendMsg},
	{stages.WriteStatus, stages.ProcessRPC},
}

func TestAPutIsSeenFromItsFirstByteToItsLast(t *testing.T) {
	r := newRig(t, Options{})
	client := pb.NewKVClient(r.dial())
	if _, err := client.Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("greeting"), Value: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	rec := r.record()
	tl := r.check(rec, expect{
		method: pb.KV_Put_FullMethodName, code: codes.OK,
		marks:   record.MarkTapped | record.MarkBegun | record.MarkOpener,
		without: record.MarkStreaming | record.MarkReset | record.MarkConnClosed | record.MarkResetSent,
		reached: []stages.Stage{stages.NetAccept, stages.HandleRawConn, stages.NewHTTP2Transport, stages.ServeStreams, stages.Flush},
	})
	before := int64(0)
	for _, p := range putPath {
		begin, end := rec.Stamps(p.stage)
		if begin < before || end < begin {
			t.Errorf("%s: %d to %d, the stage before it began at %d", p.stage, begin, end, before)
		}
		before = begin
		if outerBegin, outerEnd := rec.Stamps(p.inside); p.inside != stages.None && (begin < outerBegin || end > outerEnd) {
			t.Errorf("%s: %d to %d is not inside %s: %d to %d", p.stage, begin, end, p.inside, outerBegin, outerEnd)
		}
	}
	for key, want := range map[string]string{
		trace.AttrKey: "greeting", trace.AttrKeySize: "8", trace.AttrValueSize: "5", trace.AttrRevision: "7",
	} {
		if got := tl.Attributes[key]; got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if tl.BytesIn < 40 || tl.BytesOut < 20 {
		t.Errorf("%d bytes in, %d out: too few for a request", tl.BytesIn, tl.BytesOut)
	}
}

func TestTheConnectionBelongsToTheRequestThatOpenedIt(t *testing.T) {
	r := newRig(t, Options{})
	client := pb.NewKVClient(r.dial())
	for range 2 {
		if _, err := client.Range(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k")}); err != nil {
			t.Fatal(err)
		}
	}
	opener, second := r.record(), r.record()
	if opener.Conn() != second.Conn() {
		t.Fatal("two connections")
	}
	c, last := opener.Conn(), int64(0)
	for _, s := range []stages.Stage{stages.NetAccept, stages.HandleRawConn, stages.NewHTTP2Transport, stages.ServeStreams} {
		begin, end := c.Stamps(s)
		if begin < last {
			t.Errorf("%s begins at %d, before the one in front of it at %d", s, begin, last)
		}
		if end == 0 != (s == stages.ServeStreams) {
			t.Errorf("%s ends at %d", s, end)
		}
		last = begin
	}
	if tl := second.Timeline(); !tl.Connection.Reused || tl.Find(stages.NetAccept) != nil {
		t.Errorf("second request: %+v", tl.Connection)
	}
}

func TestHandlersSeeThePlainPeer(t *testing.T) {
	r := newRig(t, Options{})
	seen := make(chan net.Addr, 1)
	r.kv.put = func(ctx context.Context, _ *pb.PutRequest) (*pb.PutResponse, error) {
		p, _ := peer.FromContext(ctx)
		seen <- p.Addr
		return nil, nil
	}
	_, _ = pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{})
	if addr, ok := seamtest.Await(t, "handler", seen).(*net.TCPAddr); !ok || addr.String() != r.record().Conn().Peer {
		t.Errorf("peer = %v", addr)
	}
}

func TestATraceparentIsTakenAndReturned(t *testing.T) {
	const theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	r := newRig(t, Options{TraceURL: "http://127.0.0.1:2381"})
	client := pb.NewKVClient(r.dial())
	var header metadata.MD
	ctx := metadata.AppendToOutgoingContext(seamtest.Limit(t), "traceparent", theirs)
	if _, err := client.Put(ctx, &pb.PutRequest{}, grpc.Header(&header)); err != nil {
		t.Fatal(err)
	}
	rec := r.record()
	if got := rec.TraceID(); got != theirs[3:35] {
		t.Errorf("trace ID = %s", got)
	}
	if got := header.Get("traceparent"); len(got) != 1 || got[0] != rec.TraceParent() || !strings.HasPrefix(got[0], theirs[:36]) {
		t.Errorf("traceparent = %v", got)
	}
	if got := header.Get("glasskv-trace"); len(got) != 1 || got[0] != "http://127.0.0.1:2381" {
		t.Errorf("glasskv-trace = %v", got)
	}

	// Without one, or with one that is not valid, nothing is returned.
	for _, invalid := range []string{"", "00-xyz"} {
		ctx := seamtest.Limit(t)
		if invalid != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", invalid)
		}
		header = nil
		if _, err := client.Put(ctx, &pb.PutRequest{}, grpc.Header(&header)); err != nil {
			t.Fatal(err)
		}
		if r.record().TraceID() == theirs[3:35] || len(header.Get("traceparent")) != 0 {
			t.Errorf("traceparent %q: %v", invalid, header)
		}
	}
}

func TestAnErrorOfTheHandler(t *testing.T) {
	r := newRig(t, Options{})
	r.kv.put = func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		return nil, status.Error(codes.FailedPrecondition, "no")
	}
	if _, err := pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("put: %v", err)
	}
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.FailedPrecondition, message: "no",
		reached: []stages.Stage{stages.V3Put, stages.WriteStatus, stages.Flush}, missed: []stages.Stage{stages.SendMsg},
	})
}

func TestAMessageThatCannotBeReceived(t *testing.T) {
	tests := map[string]struct {
		code codes.Code
		send func(*seamtest.Client)
	}{
		"too large": {codes.ResourceExhausted, func(c *seamtest.Client) {
			c.Headers(1, false, seamtest.PutHeaders())
			c.Message(1, &pb.PutRequest{Value: []byte(strings.Repeat("v", 99))}, true)
		}},
		"no protobuf": {codes.Internal, func(c *seamtest.Client) {
			c.Headers(1, false, seamtest.PutHeaders())
			c.Must(c.Fr.WriteData(1, true, []byte{0, 0, 0, 0, 2, 0xff, 0xff}))
		}},
		"none at all": {codes.Internal, func(c *seamtest.Client) { c.Headers(1, true, seamtest.PutHeaders()) }},
		"two": {codes.Internal, func(c *seamtest.Client) {
			c.Headers(1, false, seamtest.PutHeaders())
			c.Message(1, &pb.PutRequest{}, false)
			c.Message(1, &pb.PutRequest{}, true)
		}},
		"unknown compressor": {codes.Unimplemented, func(c *seamtest.Client) {
			c.Headers(1, true, seamtest.With(seamtest.PutHeaders(), "grpc-encoding", "smoke"))
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Options{}, grpc.MaxRecvMsgSize(64))
			c := seamtest.Dial(r, r.addr)
			test.send(c)
			c.Ended(1)
			r.check(r.record(), expect{
				method: pb.KV_Put_FullMethodName, code: test.code,
				marks: record.MarkBegun, without: record.MarkReset | record.MarkConnClosed,
				reached: []stages.Stage{stages.ProcessRPC, stages.Flush}, missed: []stages.Stage{stages.V3Put, stages.SendMsg},
			})
		})
	}
}

func TestAReplyThatIsTooLarge(t *testing.T) {
	r := newRig(t, Options{}, grpc.MaxSendMsgSize(8))
	r.kv.put = func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		return &pb.PutResponse{PrevKv: nil, Header: &pb.ResponseHeader{ClusterId: 1 << 60, MemberId: 1 << 60}}, nil
	}
	if _, err := pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{}); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("put: %v", err)
	}
	rec := r.record()
	tl := r.check(rec, expect{
		method: pb.KV_Put_FullMethodName, code: codes.ResourceExhausted,
		reached: []stages.Stage{stages.V3Put, stages.SendMsg, stages.CodecEncode, stages.Flush},
	})
	if tl.Find(stages.SendMsg).Open {
		t.Error("sendMsg is still open")
	}
}

// A handler that panics leaves a record that can be finished, when something
// between it and grpc-go recovers.
func TestAPanicPassesThrough(t *testing.T) {
	recovered := make(chan any, 1)
	recoverer := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (reply any, err error) {
		defer func() {
			recovered <- recover()
			err = errors.New("recovered")
		}()
		return next(ctx, req)
	}
	stumble := func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) { panic("stumbled") }
	// In the chain of the rig: outer, inner, then these two.
	o := frontOf(record.NewRecorder(record.Options{}), Options{})
	defer o.Close()
	r := newRig(t, Options{}, grpc.ChainUnaryInterceptor(recoverer, o.outerUnary, o.innerUnary, stumble))
	_, err := pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{})
	if status.Code(err) != codes.Unknown || seamtest.Await(t, "panic", recovered) != "stumbled" {
		t.Errorf("put: %v", err)
	}
	tl := r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.Unknown, message: "recovered"})
	for _, s := range []stages.Stage{stages.Interceptors, stages.V3Put} {
		if st := tl.Stage(s.String()); st == nil || st.Open {
			t.Errorf("%s: %+v", s, st)
		}
	}
}
