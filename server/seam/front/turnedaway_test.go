package front

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// beforeTap is what a request looks like that operateHeaders turned away.
var (
	beforeTap = []stages.Stage{stages.StartHandler, stages.HandleStream, stages.ProcessRPC, stages.RecvMsg}
	notBegun  = []stages.Stage{stages.ProcessRPC, stages.RecvMsg, stages.Interceptors, stages.SendMsg}
	replied   = []stages.Stage{stages.OperateHeaders, stages.Flush}
)

func TestARequestThatIsTurnedAwayStillHasARecord(t *testing.T) {
	tests := []struct {
		name    string
		headers []hpack.HeaderField
		want    expect
	}{
		{"bad content type", seamtest.With(seamtest.PutHeaders(), "content-type", "text/plain"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.InvalidArgument,
			message: `HTTP status 415: invalid gRPC request content-type "text/plain"`,
			without: record.MarkTapped | record.MarkBegun | record.MarkResetSent, reached: replied, missed: beforeTap,
		}},
		{"no authority", seamtest.With(seamtest.PutHeaders(), ":authority", ""), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			message: "HTTP status 400: no host or :authority header present",
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"not POST", seamtest.With(seamtest.PutHeaders(), ":method", "GET"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"timeout that is none", seamtest.With(seamtest.PutHeaders(), "grpc-timeout", "soon"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"a header of HTTP/1", seamtest.With(seamtest.PutHeaders(), "connection", "close"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			message: "the server reset the stream: PROTOCOL_ERROR",
			marks:   record.MarkResetSent, without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"malformed method name", seamtest.With(seamtest.PutHeaders(), ":path", "Put"), expect{
			method: "Put", code: codes.Unimplemented, message: `malformed method name: "Put"`,
			marks: record.MarkTapped, without: record.MarkBegun | record.MarkResetSent,
			reached: []stages.Stage{stages.StartHandler, stages.Flush},
			missed:  append(notBegun, stages.HandleStream), // it is there, but cannot be seen
		}},
		{"unknown service", seamtest.With(seamtest.PutHeaders(), ":path", "/nowhere.KV/Put"), expect{
			method: "/nowhere.KV/Put", code: codes.Unimplemented, message: "unknown service nowhere.KV",
			marks: record.MarkTapped, without: record.MarkBegun,
			reached: []stages.Stage{stages.StartHandler, stages.HandleStream, stages.Flush}, missed: notBegun,
		}},
		{"unknown method", seamtest.With(seamtest.PutHeaders(), ":path", "/etcdserverpb.KV/Pot"), expect{
			method: "/etcdserverpb.KV/Pot", code: codes.Unimplemented,
			message: "unknown method Pot for service etcdserverpb.KV",
			marks:   record.MarkTapped, without: record.MarkBegun,
			reached: []stages.Stage{stages.StartHandler, stages.HandleStream, stages.Flush}, missed: notBegun,
		}},
		{"deadline that is over", seamtest.With(seamtest.PutHeaders(), "grpc-timeout", "0n"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.DeadlineExceeded, message: "context deadline exceeded",
			marks: record.MarkTapped, without: record.MarkBegun, reached: replied, missed: notBegun,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, Options{})
			c := seamtest.Dial(r, r.addr)
			c.Headers(1, true, test.headers)
			c.Ended(1)
			r.check(r.record(), test.want)
			// The connection is none the worse for it.
			c.Put(3)
			c.Ended(3)
			r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK, without: record.MarkOpener})
		})
	}
}

func TestAStreamBeyondTheLimitIsRefused(t *testing.T) {
	r := newRig(t, Options{}, grpc.MaxConcurrentStreams(1))
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctxOf(c, held)
	c.Put(3)
	c.Ended(3)
	r.check(r.record(), expect{
		method: "", code: codes.Unavailable, message: "the server reset the stream: REFUSED_STREAM",
		marks: record.MarkResetSent, without: record.MarkTapped, missed: beforeTap,
	})
	held.free()
	c.Ended(1)
	r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK})
}

func TestAHeaderListThatIsTooLargeIsRefused(t *testing.T) {
	r := newRig(t, Options{}, grpc.MaxHeaderListSize(512))
	c := seamtest.Dial(r, r.addr)
	many := seamtest.PutHeaders()
	for i := range 16 {
		many = seamtest.With(many, "x-"+strconv.Itoa(i), "y")
	}
	c.Headers(1, true, many)
	c.Ended(1)
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.Internal,
		message: "the server reset the stream: FRAME_SIZE_ERROR",
		marks:   record.MarkResetSent, without: record.MarkTapped, missed: beforeTap,
	})
}

// A single field beyond the limit cannot be skipped over: the transport closes
// the connection without a word about the stream.
func TestAHeaderThatIsTooLargeEndsTheConnection(t *testing.T) {
	r := newRig(t, Options{}, grpc.MaxHeaderListSize(256))
	c := seamtest.Dial(r, r.addr)
	c.Headers(1, true, seamtest.With(seamtest.PutHeaders(), "x", strings.Repeat("y", 300)))
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: noCode,
		marks: record.MarkConnClosed, without: record.MarkTapped, missed: beforeTap,
	})
}

func TestATapOfTheServersOwnMayRefuse(t *testing.T) {
	refuse := func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		return ctx, status.Error(codes.ResourceExhausted, "not today")
	}
	r := newRig(t, Options{Tap: refuse})
	_, err := pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("put: %v", err)
	}
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.ResourceExhausted, message: "not today",
		marks: record.MarkTapped, without: record.MarkBegun, reached: replied, missed: notBegun,
	})
}

// A block may refer to the one before it, which was not kept. The request is
// recorded all the same, without a name.
func TestARepeatedMistakeStaysWithoutAName(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.Dial(r, r.addr)
	wrong := seamtest.With(seamtest.PutHeaders(), "content-type", "text/plain")
	c.Headers(1, true, wrong)
	c.Ended(1)
	c.Headers(3, true, wrong)
	c.Ended(3)
	r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.InvalidArgument})
	r.check(r.record(), expect{method: "", code: noCode, reached: replied, missed: beforeTap})
}

func TestPaddingAndPriorityAreTakenOffABlock(t *testing.T) {
	const padded, priority = http2.FlagHeadersPadded, http2.FlagHeadersPriority
	for _, c := range []struct {
		payload string
		flags   http2.Flags
		want    string
	}{
		{"block", 0, "block"},
		{"\x02block..", padded, "block"},
		{"12345block", priority, "block"},
		{"\x0212345block..", padded | priority, "block"},
		{"\xffblock", padded, ""},
		{"123", priority, ""},
		{"", padded | priority, ""},
	} {
		if got := requestBlock([]byte(c.payload), c.flags); string(got) != c.want {
			t.Errorf("%q with %x: %q", c.payload, c.flags, got)
		}
	}
}

// FuzzHeaderBlock holds that no block of a client's makes trouble.
func FuzzHeaderBlock(f *testing.F) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, field := range seamtest.PutHeaders() {
		if err := enc.WriteField(field); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(block.Bytes(), uint8(0))
	f.Add([]byte("\x02\x82.."), uint8(http2.FlagHeadersPadded))
	f.Add([]byte("\xbe\xbf"), uint8(http2.FlagHeadersPriority))
	f.Fuzz(func(t *testing.T, payload []byte, flags uint8) {
		inner := requestBlock(payload, http2.Flags(flags))
		if len(inner) > len(payload) || len(pathOf(inner)) > maxBlock {
			t.Errorf("%q becomes %q", payload, inner)
		}
	})
}
