package front

import (
	"context"
	"sync"
	"testing"
	"time"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/stats"
)

// passes lets the sweeper look twice, as far apart as it allows a request to
// stand still.
func passes(r *rig) *sweeper {
	w := &sweeper{front: r.front}
	now := record.Now()
	w.pass(now)
	w.pass(now + int64(sweepAfter))
	return w
}

func TestAHandlerThatDoesNotNoticeItsClientIsGoneIsSwept(t *testing.T) {
	r := newRig(t, Options{})
	running, release := make(chan struct{}), make(chan struct{})
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	r.kv.put = func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		close(running)
		<-release
		return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 9}}, nil
	}
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	seamtest.Await(t, "handler", running)
	c.Must(c.Fr.WriteRSTStream(1, http2.ErrCodeCancel))
	c.Ping() // so that the reset was read
	w := passes(r)
	rec := r.record()
	tl := r.check(rec, expect{
		method: pb.KV_Put_FullMethodName, code: noCode, marks: record.MarkSwept | record.MarkReset | record.MarkBegun,
	})
	if tl.Attributes[trace.AttrOutcome] != trace.OutcomeSwept || r.recorder.Stats().Swept != 1 {
		t.Errorf("attributes: %v, swept: %d", tl.Attributes, r.recorder.Stats().Swept)
	}
	w.pass(record.Now() + int64(time.Hour))
	if n := r.recorder.Stats().Swept; n != 1 {
		t.Errorf("swept %d times", n)
	}
	free() // too late; the record stays as it is
}

func TestARequestThatIsAtWorkIsNotSwept(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctxOf(c, held)
	passes(r)
	held.free()
	c.Ended(1)
	r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK, without: record.MarkSwept})
}

// A client that gives no window holds the reply back. As long as some of it gets
// out now and then, the request lives; when nothing does, it is swept.
func TestAReplyThatIsHeldBackIsSwept(t *testing.T) {
	ends := make(endings, 1)
	r := newRig(t, Options{}, grpc.StatsHandler(ends))
	c := seamtest.DialTCP(r, r.addr)
	c.Hello(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1})
	c.Ping()
	r.kv.put = func(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
		return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: 1 << 40}}, nil
	}
	data := func(f http2.Frame) bool { return f.Header().Type == http2.FrameData }
	c.Put(1)
	c.Until("first byte", data)
	seamtest.Await(t, "end", ends)
	s := onlyStream(r)
	w := &sweeper{front: r.front}
	now := record.Now()
	w.pass(now)
	c.Must(c.Fr.WriteWindowUpdate(1, 1))
	c.Until("second byte", data)
	w.pass(now + int64(sweepAfter)) // it has moved
	if s.rec.Finished() {
		t.Fatal("swept although it moved")
	}
	w.pass(now + 2*int64(sweepAfter))
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.OK, marks: record.MarkSwept, without: record.MarkReset,
	})
}

// endings tells of every call that grpc-go is through with. It stands behind the
// Observer's own stats handler.
type endings chan struct{}

func (endings) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (endings) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (endings) HandleConn(context.Context, stats.ConnStats)                       {}
func (e endings) HandleRPC(_ context.Context, s stats.RPCStats) {
	if _, ok := s.(*stats.End); ok {
		e <- struct{}{}
	}
}

func onlyStream(r *rig) (only *stream) {
	r.front.conns.Range(func(key, _ any) bool {
		c, _ := key.(*serverConn)
		c.streams.each(func(s *stream) { only = s })
		return true
	})
	if only == nil {
		r.Fatal("no stream")
	}
	return only
}

func TestTheSweeperStopsWithItsContext(t *testing.T) {
	o := &Front{}
	ctx, cancel := context.WithCancel(seamtest.Limit(t))
	stopped := make(chan struct{})
	go func() { o.sweep(ctx); close(stopped) }()
	cancel()
	seamtest.Await(t, "sweeper", stopped)
}
