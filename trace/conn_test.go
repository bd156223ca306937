package trace

import (
	"bytes"
	"strings"
	"testing"
)

func TestConnectionsThatNeverCarryARequestAreCounted(t *testing.T) {
	rc := NewRecorder(Options{})
	defer rc.Close(t.Context())
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	c.Fail("the client does not speak HTTP/2")
	c.Fail("closed")
	s := rc.Stats()
	if s.FailedConns != 1 || !strings.Contains(s.LastFailure, "10.0.0.1:5: the client does not speak HTTP/2") {
		t.Errorf("%d failed, the last of them %q", s.FailedConns, s.LastFailure)
	}
}

func TestAConnectionThatFailedHasATimelineOfItsOwn(t *testing.T) {
	var out bytes.Buffer
	sink, err := NewExporter(t.Context(), ExporterOptions{Kind: ExporterStdout, Writer: &out})
	if err != nil {
		t.Fatal(err)
	}
	rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1})
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	begin := Now()
	c.BeginAt(AcceptBackoff, begin)
	c.EndAt(AcceptBackoff, begin+5_000_000)
	c.Backoff = BackoffFacts{Attempts: 3, Error: "too many open files"}
	c.BeginAt(NetAccept, begin+5_000_000)
	c.EndAt(NetAccept, begin+5_010_000)
	c.BeginAt(HandleRawConn, begin+5_010_000)
	c.Fail("the client does not speak HTTP/2")

	last := rc.Last(1)
	if len(last) != 1 {
		t.Fatal("it has no record")
	}
	tl := last[0].Timeline()
	checkLedger(t, tl)
	if tl.Method != "" || tl.Message != "the client does not speak HTTP/2" || tl.Attributes[AttrFailedConn] != "true" ||
		len(tl.NotReached) != 1 || tl.NotReached[0].Why != WhyNoRequest || tl.Connection.Reused {
		t.Errorf("%+v", tl)
	}
	if st := tl.Stage("net.backoff"); st == nil || st.BeginNS != 0 || st.Attributes[AttrAttempts] != "3" {
		t.Errorf("net.backoff: %+v", st)
	}
	if st := tl.Stage("grpc.handleRawConn"); st == nil || !st.Open {
		t.Errorf("grpc.handleRawConn: %+v", st)
	}
	if got := rc.Find(tl.TraceID); got != last[0] {
		t.Error("it cannot be looked up")
	}
	closeRecorder(t, rc)
	if got := rc.Slowest(1); len(got) != 0 {
		t.Error("it counts among the slowest requests")
	}
	in, err := Read(&out)
	if err != nil || len(in.Timelines) != 1 {
		t.Fatalf("read back: %+v, %v", in, err)
	}
	sameText(t, asJSON(t, in.Timelines[0]), asJSON(t, tl))
}

func TestAConnectionThatCarriedARequestHasNotFailed(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	rc.Start(c, 1, Now()).Done(allEvents)
	c.Fail("closed")
	if s := rc.Stats(); s.FailedConns != 0 || s.Finished != 1 {
		t.Errorf("stats: %+v", s)
	}
}
