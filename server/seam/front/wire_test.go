package front

import (
	"io"
	"net"
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
	c.in.serving, c.in.Counter = true, frames.Counter{}
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
	c.served()
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
