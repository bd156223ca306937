package front

import (
	"context"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// From the tap to handleStream, the stages follow each other without a gap.
func TestAHandlersContextIsItsStream(t *testing.T) {
	r := newRig(t, Options{})
	held := r.holdPut()
	c := seamtest.Dial(r, r.addr)
	c.Put(1)
	ctx := ctxOf(c, held)
	s := streamFrom(ctx)
	if s == nil || s != onlyStream(r) || record.FromContext(ctx) != s.rec {
		t.Fatalf("stream %p, record %p", s, record.FromContext(ctx))
	}
	c.Ping() // so that the reader is past the headers
	if !s.handed.Load() || !s.entered.Load() || s.rec.Events() != record.EventRead {
		t.Errorf("handed %v, entered %v, events %b", s.handed.Load(), s.entered.Load(), s.rec.Events())
	}
	if md, ok := metadata.FromIncomingContext(ctx); !ok || len(md[":authority"]) == 0 {
		t.Errorf("metadata: %v", md)
	}
	_, tapped := s.rec.Stamps(stages.OperateHeaders)
	handed, entered := s.rec.Stamps(stages.StartHandler)
	handled, _ := s.rec.Stamps(stages.HandleStream)
	if tapped != s.tapped || handed != tapped || handled != entered || entered < handed {
		t.Errorf("operateHeaders to %d, startHandler %d to %d, handleStream from %d", tapped, handed, entered, handled)
	}
	held.free()
	c.Ended(1)
	r.check(r.record(), expect{method: pb.KV_Put_FullMethodName, code: codes.OK})
}

// Only the first calls of Done and Value stamp, and Value only under keys that are not the
// seam's own.
func TestDoneAndValueStampOnce(t *testing.T) {
	f := frontOf(record.NewRecorder(record.Options{}), Options{})
	defer f.Close()
	type key struct{}
	s := &stream{
		Context: context.WithValue(t.Context(), key{}, "value"), rec: seamtest.Record(t),
		conn: &serverConn{front: f}, tapped: record.Now(),
	}
	ask := func(want int64) {
		t.Helper()
		if s.Done() != s.Context.Done() || streamFrom(s) != s || record.FromContext(s) != s.rec {
			t.Error("the stream is not the context")
		}
		if begin, end := s.rec.Stamps(stages.StartHandler); begin != s.tapped || end != want {
			t.Errorf("startHandler from %d to %d, want %d to %d", begin, end, s.tapped, want)
		}
	}
	ask(0)
	if s.Value(key{}) != "value" {
		t.Error("the value is lost")
	}
	entered, _ := s.rec.Stamps(stages.HandleStream)
	if entered == 0 || s.Value(key{}) != "value" {
		t.Errorf("handleStream from %d", entered)
	}
	ask(entered)
}

// A stream that is turned away after the tap was never asked for Done.
func TestATurnedAwayStreamIsNotHanded(t *testing.T) {
	r := newRig(t, Options{})
	c := seamtest.Dial(r, r.addr)
	c.Headers(1, true, seamtest.With(seamtest.PutHeaders(), "grpc-timeout", "0n"))
	c.Ended(1)
	r.check(r.record(), expect{
		method: pb.KV_Put_FullMethodName, code: codes.DeadlineExceeded, marks: record.MarkTapped,
		missed: []stages.Stage{stages.StartHandler, stages.HandleStream},
	})
}
