package front

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"

	"glasskv/server/seam/frames"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// slowly writes one byte at a time.
type slowly struct{ net.Conn }

func (s slowly) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := s.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestARequestThatComesByteByByte(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.DialTCP(r, r.addr)
	c.Wire = slowly{c.Conn}
	c.Hello()
	c.Put(1)
	c.Ended(1)
	tl := r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK, reached: []stages.Stage{stages.OperateHeaders, stages.Flush}})
	if want := int64(len(c.Encode(seamtest.PutHeaders()))); tl.BytesIn < want {
		t.Errorf("%d bytes in", tl.BytesIn)
	}
}

// Where the headers come in pieces, the request begins with the first byte and
// operateHeaders with the last.
func TestWhereARequestBegins(t *testing.T) {
	r := newRig(t, Options{})
	theirs, ours := net.Pipe()
	c := newServerConn(r.front, ours, r.recorder.NewConn("pipe", "pipe"))
	c.in.serving, c.in.frames = true, frames.Counter{}
	wire := []byte{0, 0, 3, byte(http2.FrameHeaders), byte(http2.FlagHeadersEndHeaders), 0, 0, 0, 1, 'a', 'b', 'c'}
	written := make(chan error, 1)
	go func() {
		_, err := slowly{theirs}.Write(wire)
		written <- err
	}()
	read := func(n int) {
		if _, err := io.ReadFull(c, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	read(1)
	first := record.Now()
	read(frames.HeadLen - 1)
	s := c.in.latest
	read(2)
	if begin, _ := s.rec.Stamps(stages.OperateHeaders); begin != 0 {
		t.Errorf("operateHeaders has begun at %d, and the headers are not whole", begin)
	}
	read(1)
	begin, _ := s.rec.Stamps(stages.OperateHeaders)
	s.rec.BeginAt(stages.Flush, begin)
	s.rec.EndAt(stages.Flush, begin)
	if waited := s.rec.Timeline().DurationNS; begin == 0 || waited < begin-first {
		t.Errorf("operateHeaders begins at %d, after %d ns", begin, waited)
	}
	if err := seamtest.Await(t, "writer", written); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	_ = c.Close()
	c.endServeStreams()
	r.check(r.record(), expect{code: noCode, marks: record.MarkConnClosed, missed: beforeTap})
}

func TestABlockInPieces(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.Dial(r, r.addr)
	block := c.Encode(seamtest.PutHeaders())
	pieces := slices.Collect(slices.Chunk(block, 8))
	c.Must(c.Fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: pieces[0]}))
	for i, piece := range pieces[1:] {
		c.Must(c.Fr.WriteContinuation(1, i == len(pieces)-2, piece))
	}
	c.Message(1, &pb.PutRequest{}, true)
	c.Ended(1)
	tl := r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK, marks: record.MarkTapped | record.MarkBegun})
	if want := int64(len(block) + frames.HeadLen*(len(pieces)+1)); tl.BytesIn < want {
		t.Errorf("%d bytes in, want at least %d", tl.BytesIn, want)
	}
}

// A large value needs many frames and more than one buffer in both directions.
func TestALargeRequestAndALargeReply(t *testing.T) {
	r := newRig(t, Options{})
	value := make([]byte, 300<<10)
	r.kv.stream = nil
	client := pb.NewKVClient(r.dial())
	if _, err := client.Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k"), Value: value}); err != nil {
		t.Fatal(err)
	}
	tl := r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK})
	if tl.BytesIn < int64(len(value)) || tl.Attributes[trace.AttrValueSize] != "307200" {
		t.Errorf("%d bytes in, %v", tl.BytesIn, tl.Attributes)
	}
}

func TestTheSocketStaysWithinReach(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctxOf(c, held)
	s := onlyStream(r)
	if _, err := s.conn.SyscallConn(); err != nil {
		t.Error(err)
	}
	if _, err := syscallConn(struct{}{}); err == nil {
		t.Error("a socket where there is none")
	}
	var _ syscall.Conn = (*listener)(nil)
	held.free()
	c.Ended(1)
	r.record()
}

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
		"the client does not speak HTTP/2":                  {notHTTP2: true, err: io.EOF},
		"the client closed it during the handshake":         {err: io.EOF},
		"handshake: io: read/write on closed pipe":          {err: io.ErrClosedPipe},
		"the client did not complete the handshake in time": {err: os.ErrDeadlineExceeded},
		"the client did not begin with SETTINGS":            {},
	} {
		if got := in.failureReason(); got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
}

func TestAServerThatIsStoppedCutsItsRequestsOff(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctxOf(c, held)
	r.front.Stopping()
	r.stop(false)
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.Canceled,
		marks: record.MarkStopping | record.MarkConnClosed | record.MarkBegun, without: record.MarkReset,
		missed: []stages.Stage{stages.Flush},
	})
}

func TestAGracefulStopLetsRequestsFinish(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctxOf(c, held)
	r.front.Stopping()
	stopped := make(chan struct{})
	go func() { r.stop(true); close(stopped) }()

	// The server says goodbye twice; after the second time it takes no more.
	goodbye := func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway }
	c.Until("first GOAWAY", goodbye)
	c.Put(3) // still taken
	ctxOf(c, held)
	c.Until("second GOAWAY", goodbye)
	c.Put(5) // ignored: no answer of any kind

	held.free()
	c.Ended(1)
	seamtest.Await(t, "stop", stopped)
	codesSeen := map[string]int{}
	for range r.recorder.Stats().Begun {
		rec := r.record()
		tl := rec.Timeline()
		codesSeen[tl.Code]++
		if answered := tl.Code != ""; answered == rec.Has(record.MarkStopping|record.MarkConnClosed) {
			t.Errorf("code %q with %v", tl.Code, tl.Attributes)
		}
	}
	if codesSeen["OK"] != 2 {
		t.Errorf("codes: %v", codesSeen)
	}
}
