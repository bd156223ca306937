package record_test

import (
	"slices"
	"testing"
	"time"

	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

func TestStagesAreCountedByHowLongTheyTook(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	conn := rc.NewConn("p", "l")
	begin := record.Now()
	conn.BeginAt(stages.NetAccept, begin)
	conn.EndAt(stages.NetAccept, begin+2_000)
	conn.BeginAt(stages.ServeStreams, begin)
	batch := recordtest.SavedBatch(3) // an fsync of 1 µs in a save of 3 µs
	for i, took := range []time.Duration{time.Microsecond, time.Microsecond + 1, time.Hour} {
		r := rc.Start(conn, 1, begin)
		r.Facts().Method = "/a/B"
		r.Mark(record.MarkBegun)
		r.SetCode(uint32(i/2), "")
		r.BeginAt(stages.Flush, begin)
		r.EndAt(stages.Flush, begin+took.Nanoseconds())
		r.BeginAt(stages.RecvMsg, begin) // did not end: not counted
		r.SetSave(batch)
		r.Done(record.AllEvents)
	}
	tracetest.Close(t, rc)
	got := make(map[string]record.StageHistogram)
	for _, h := range rc.Histograms() {
		got[h.Stage.String()] = h
	}
	flush := got["grpc.flush"]
	if flush.Count != 3 || flush.Counts[0] != 1 || flush.Counts[1] != 1 || flush.Counts[len(record.HistogramBounds)] != 1 ||
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
	want := []record.RequestCount{{"/a/B", "Canceled", 1}, {"/a/B", "OK", 2}}
	if counts := rc.RequestCounts(); !slices.Equal(counts, want) {
		t.Errorf("requests: %v", counts)
	}
}

func TestNamesThatClientsMakeUpAreNotCountedOneByOne(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	for _, name := range []string{"/made/Up", "/made/Up2", "GET /path/1", "GET /path/2"} {
		r := rc.Start(nil, 1, record.Now())
		r.Facts().Method = name
		if name[0] == 'G' {
			r.Mark(record.MarkHTTP)
			r.Facts().HTTPStatus = 404
		}
		r.Done(record.AllEvents)
	}
	h, c, s := recordtest.GatewayPut(t, rc)
	for _, r := range []*record.Record{c, s, h} {
		r.Done(record.AllEvents)
	}
	tracetest.Close(t, rc)
	want := []record.RequestCount{
		{"/etcdserverpb.KV/Put", "OK", 1}, {"http", "200 OK", 1}, {"http", "404 Not Found", 2}, {"other", "", 2},
	}
	if counts := rc.RequestCounts(); !slices.Equal(counts, want) {
		t.Errorf("requests: %v", counts)
	}
}

// BenchmarkCount is what the worker pays for the histograms of one request.
func BenchmarkCount(b *testing.B) {
	rc := record.NewRecorder(record.Options{})
	r := recordtest.WarmPut(rc, rc.NewConn("p", "l"), recordtest.SavedBatch(1))
	for b.Loop() {
		rc.CountInHistograms(r)
	}
}
