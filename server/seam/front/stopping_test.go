package front

import (
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

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
