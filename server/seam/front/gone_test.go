package front

import (
	"context"
	"io"
	"os"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

func TestAClientThatResetsItsStreamIsNoted(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctx := ctxOf(c, held)
	c.Must(c.Fr.WriteRSTStream(1, http2.ErrCodeCancel))
	seamtest.Await(t, "cancellation", ctx.Done())
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.Canceled,
		marks: record.MarkReset | record.MarkBegun, without: record.MarkConnClosed | record.MarkResetSent,
		missed: []stages.Stage{stages.Flush},
	})
}

func TestARealClientThatCancelsIsNoted(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	ctx, cancel := context.WithCancel(seamtest.Limit(t))
	go func() { <-held.running; cancel() }()
	_, err := pb.NewKVClient(r.dial()).Put(ctx, &pb.PutRequest{})
	if err == nil {
		t.Fatal("the put went through")
	}
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.Canceled, marks: record.MarkReset | record.MarkBegun,
	})
}

func TestAClientThatGoesAwayIsNoted(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	c.Put(3)
	ctx := ctxOf(c, held)
	ctxOf(c, held)
	c.Must(c.Conn.Close())
	seamtest.Await(t, "cancellation", ctx.Done())
	for range 2 {
		r.check(r.record(), expect{
			method: pb.KV_Put_FullMethodName, code: codes.Canceled,
			marks: record.MarkConnClosed | record.MarkBegun, without: record.MarkReset | record.MarkStopping,
			missed: []stages.Stage{stages.Flush},
		})
	}
}

func TestAClientThatGoesAwayAmidItsHeadersIsNoted(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.Dial(r, r.addr)
	block := c.Encode(seamtest.PutHeaders())
	c.Must(c.Fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:4]}))
	c.Must(c.Conn.Close())
	r.check(r.record(), expect{
		code: noCode, marks: record.MarkConnClosed, without: record.MarkTapped, missed: beforeTap,
	})
}

// The stream of an unknown method has no handler that would report its end. When
// the client resets it before the status is written, nothing does.
func TestAResetOfAnUnknownMethodIsNotWaitedFor(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.Dial(r, r.addr)
	c.Headers(1, false, seamtest.With(seamtest.PutHeaders(), ":path", "/etcdserverpb.KV/Pot"))
	c.Must(c.Fr.WriteRSTStream(1, http2.ErrCodeCancel))
	rec := r.record()
	if !rec.Has(record.MarkTapped) || rec.Has(record.MarkBegun) {
		t.Errorf("record: %v", rec.Timeline().Attributes)
	}
}

func TestADeadlineThatPassesInTheHandler(t *testing.T) {
	r := newRig(t, Options{})
	reset := make(chan struct{})
	r.kv.put = func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		<-reset // else the handler might answer before the transport does
		return nil, context.DeadlineExceeded
	}
	c := seamtest.Dial(r, r.addr)
	c.Headers(1, false, seamtest.With(seamtest.PutHeaders(), "grpc-timeout", "20m"))
	c.Message(1, &pb.PutRequest{}, true)
	if f, ok := c.Ended(1).(*http2.RSTStreamFrame); !ok || f.ErrCode != http2.ErrCodeCancel {
		t.Errorf("answer: %v", f)
	}
	close(reset)
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.DeadlineExceeded,
		marks: record.MarkTimedOut | record.MarkBegun, without: record.MarkReset, reached: []stages.Stage{stages.Flush},
	})
}

// Bytes that are no HTTP/2 never become a request, and the connection says why.
func TestAHandshakeThatFailsIsNoRequest(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.DialTCP(r, r.addr)
	_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: glass\r\n\r\n")
	c.Must(err)
	if _, err := io.Copy(io.Discard, c.Conn); err != nil {
		t.Logf("the server hung up: %v", err)
	}
	r.check(r.record(), expect{
		code: noCode, message: "the client does not speak HTTP/2", marks: record.MarkConnection, missed: []stages.Stage{stages.OperateHeaders},
	})
}

func TestWhyAHandshakeFailed(t *testing.T) {
	for why, in := range map[string]incoming{
		"the client does not speak HTTP/2":                  {alien: true, err: io.EOF},
		"the client closed it during the handshake":         {err: io.EOF},
		"handshake: io: read/write on closed pipe":          {err: io.ErrClosedPipe},
		"the client did not complete the handshake in time": {err: os.ErrDeadlineExceeded},
		"the client did not begin with SETTINGS":            {},
	} {
		if got := in.whyFailed(); got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
}
