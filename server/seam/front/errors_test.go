package front

import (
	"context"
	"errors"
	"strings"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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
