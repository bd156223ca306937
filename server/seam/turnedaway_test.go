package seam

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

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
		{"bad content type", with(putHeaders(), "content-type", "text/plain"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.InvalidArgument,
			message: `HTTP status 415: invalid gRPC request content-type "text/plain"`,
			without: record.MarkTapped | record.MarkBegun | record.MarkResetSent, reached: replied, missed: beforeTap,
		}},
		{"no authority", with(putHeaders(), ":authority", ""), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			message: "HTTP status 400: no host or :authority header present",
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"not POST", with(putHeaders(), ":method", "GET"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"timeout that is none", with(putHeaders(), "grpc-timeout", "soon"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"a header of HTTP/1", with(putHeaders(), "connection", "close"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Internal,
			message: "the server reset the stream: PROTOCOL_ERROR",
			marks:   record.MarkResetSent, without: record.MarkTapped, reached: replied, missed: beforeTap,
		}},
		{"malformed method name", with(putHeaders(), ":path", "Put"), expect{
			method: "Put", code: codes.Unimplemented, message: `malformed method name: "Put"`,
			marks: record.MarkTapped, without: record.MarkBegun | record.MarkResetSent,
			reached: []stages.Stage{stages.StartHandler, stages.Flush},
			missed:  append(notBegun, stages.HandleStream), // it is there, but cannot be seen
		}},
		{"unknown service", with(putHeaders(), ":path", "/nowhere.KV/Put"), expect{
			method: "/nowhere.KV/Put", code: codes.Unimplemented, message: "unknown service nowhere.KV",
			marks: record.MarkTapped, without: record.MarkBegun,
			reached: []stages.Stage{stages.StartHandler, stages.HandleStream, stages.Flush}, missed: notBegun,
		}},
		{"unknown method", with(putHeaders(), ":path", "/etcdserverpb.KV/Pot"), expect{
			method: "/etcdserverpb.KV/Pot", code: codes.Unimplemented,
			message: "unknown method Pot for service etcdserverpb.KV",
			marks:   record.MarkTapped, without: record.MarkBegun,
			reached: []stages.Stage{stages.StartHandler, stages.HandleStream, stages.Flush}, missed: notBegun,
		}},
		{"deadline that is over", with(putHeaders(), "grpc-timeout", "0n"), expect{
			method: pb.KV_Put_FullMethodName, code: codes.DeadlineExceeded, message: "context deadline exceeded",
			marks: record.MarkTapped, without: record.MarkBegun, reached: replied, missed: notBegun,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, frontOptions{})
			c := dialRaw(r, r.addr)
			c.headers(1, true, test.headers)
			c.ended(1)
			r.check(r.record(), test.want)
			// The connection is none the worse for it.
			c.put(3)
			c.ended(3)
			r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK, without: record.MarkOpener})
		})
	}
}

func TestAStreamBeyondTheLimitIsRefused(t *testing.T) {
	r := newRig(t, frontOptions{}, grpc.MaxConcurrentStreams(1))
	held := r.holdPut()
	c := dialRaw(r, r.addr)
	c.put(1)
	ctxOf(c, held)
	c.put(3)
	c.ended(3)
	r.check(r.record(), expect{
		method: "", code: codes.Unavailable, message: "the server reset the stream: REFUSED_STREAM",
		marks: record.MarkResetSent, without: record.MarkTapped, missed: beforeTap,
	})
	held.free()
	c.ended(1)
	r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK})
}

func TestAHeaderListThatIsTooLargeIsRefused(t *testing.T) {
	r := newRig(t, frontOptions{}, grpc.MaxHeaderListSize(512))
	c := dialRaw(r, r.addr)
	many := putHeaders()
	for i := range 16 {
		many = with(many, "x-"+strconv.Itoa(i), "y")
	}
	c.headers(1, true, many)
	c.ended(1)
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.Internal,
		message: "the server reset the stream: FRAME_SIZE_ERROR",
		marks:   record.MarkResetSent, without: record.MarkTapped, missed: beforeTap,
	})
}

// A single field beyond the limit cannot be skipped over: the transport closes
// the connection without a word about the stream.
func TestAHeaderThatIsTooLargeEndsTheConnection(t *testing.T) {
	r := newRig(t, frontOptions{}, grpc.MaxHeaderListSize(256))
	c := dialRaw(r, r.addr)
	c.headers(1, true, with(putHeaders(), "x", strings.Repeat("y", 300)))
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: noCode,
		marks: record.MarkConnClosed, without: record.MarkTapped, missed: beforeTap,
	})
}

func TestATapOfTheServersOwnMayRefuse(t *testing.T) {
	refuse := func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		return ctx, status.Error(codes.ResourceExhausted, "not today")
	}
	r := newRig(t, frontOptions{Tap: refuse})
	_, err := pb.NewKVClient(r.dial()).Put(limit(t), &pb.PutRequest{})
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
	r := newRig(t, frontOptions{})
	c := dialRaw(r, r.addr)
	wrong := with(putHeaders(), "content-type", "text/plain")
	c.headers(1, true, wrong)
	c.ended(1)
	c.headers(3, true, wrong)
	c.ended(3)
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
	for _, field := range putHeaders() {
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
