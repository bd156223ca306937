package record

import (
	"slices"
	"testing"
	"time"

	"glasskv/trace/stages"
)

func TestStagesAreCountedByHowLongTheyTook(t *testing.T) {
	rc := NewRecorder(Options{})
	conn := rc.NewConn("p", "l")
	begin := Now()
	conn.BeginAt(stages.NetAccept, begin)
	conn.EndAt(stages.NetAccept, begin+2_000)
	conn.BeginAt(stages.ServeStreams, begin)
	batch := savedBatch(3) // an fsync of 1 µs in a save of 3 µs
	for i, took := range []time.Duration{time.Microsecond, time.Microsecond + 1, time.Hour} {
		r := rc.Start(conn, 1, begin)
		r.Facts().Method = "/a/B"
		r.Mark(MarkBegun)
		r.SetCode(uint32(i/2), "")
		r.BeginAt(stages.Flush, begin)
		r.EndAt(stages.Flush, begin+took.Nanoseconds())
		r.BeginAt(stages.RecvMsg, begin) // did not end: not counted
		r.SetSave(batch)
		r.Done(AllEvents)
	}
	closeRecorder(t, rc)
	got := make(map[string]StageHistogram)
	for _, h := range rc.Histograms() {
		got[h.Stage.String()] = h
	}
	flush := got["grpc.flush"]
	if flush.Count != 3 || flush.Counts[0] != 1 || flush.Counts[1] != 1 || flush.Counts[len(HistogramBounds)] != 1 ||
		flush.SumNS != 2001+time.Hour.Nanoseconds() {
		t.Errorf("grpc.flush: %+v", flush)
	}
	for name, sum := range map[string]int64{"wal.save": 3000, "wal.sync": 1000, "net.accept": 2000} {
		if h := got[name]; h.Count != 1 || h.SumNS != sum {
			t.Errorf("%s: %+v", name, h)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d stages: %v", len(got), got)
	}
	want := []RequestCount{{"/a/B", "Canceled", 1}, {"/a/B", "OK", 2}}
	if counts := rc.RequestCounts(); !slices.Equal(counts, want) {
		t.Errorf("requests: %v", counts)
	}
}

func TestNamesThatClientsMakeUpAreNotCountedOneByOne(t *testing.T) {
	rc := NewRecorder(Options{})
	for _, name := range []string{"/made/Up", "/made/Up2", "GET /path/1", "GET /path/2"} {
		r := rc.Start(nil, 1, Now())
		r.Facts().Method = name
		if name[0] == 'G' {
			r.Mark(MarkHTTP)
			r.Facts().HTTPStatus = 404
		}
		r.Done(AllEvents)
	}
	h, c, s := gatewayPut(t, rc)
	for _, r := range []*Record{c, s, h} {
		r.Done(AllEvents)
	}
	closeRecorder(t, rc)
	want := []RequestCount{
		{"/etcdserverpb.KV/Put", "OK", 1}, {HTTPMethod, "200 OK", 1}, {HTTPMethod, "404 Not Found", 2}, {OtherMethod, "", 2},
	}
	if counts := rc.RequestCounts(); !slices.Equal(counts, want) {
		t.Errorf("requests: %v", counts)
	}
}

// BenchmarkCount is what the worker pays for the histograms of one request.
func BenchmarkCount(b *testing.B) {
	rc := NewRecorder(Options{})
	r := warmPut(rc, rc.NewConn("p", "l"), savedBatch(1))
	for b.Loop() {
		rc.hist.count(r)
	}
}
