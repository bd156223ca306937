package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"

	"google.golang.org/grpc/codes"
)

// written exports what the requests of a world left behind, and reads it back.
func written(t *testing.T, kind string, wild bool, rng *rand.Rand, n int) (live map[string]*trace.Timeline, file *File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	var out bytes.Buffer
	sink, err := NewSink(context.Background(), SinkOptions{Kind: kind, Path: path, Writer: &out})
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
	w := recordtest.NewWorld(rc, rng)
	w.Wild = wild
	live = make(map[string]*trace.Timeline)
	var records []*record.Record
	for range n {
		records = append(records, w.Request())
	}
	for _, r := range records {
		r.Done(record.AllEvents)
		live[r.TraceID()] = r.Timeline()
	}
	tracetest.Close(t, rc)
	if s := rc.Stats(); s.Exported != uint64(n) || s.NotExported != 0 {
		t.Fatalf("stats: %+v", s)
	}
	var in *File
	if kind == sinkFile {
		in, err = ReadFile(path)
	} else {
		in, err = Read(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Problems) != 0 {
		t.Fatalf("problems: %q", in.Problems)
	}
	return live, in
}

func TestWhatIsReadBackIsWhatWasLive(t *testing.T) {
	for _, kind := range []string{sinkFile, sinkStdout} {
		t.Run(kind, func(t *testing.T) {
			tracetest.Seeds(t, 15, func(t *testing.T, rng *rand.Rand) {
				live, in := written(t, kind, false, rng, 1+rng.IntN(40))
				if len(in.Timelines) != len(live) {
					t.Fatalf("%d timelines of %d requests", len(in.Timelines), len(live))
				}
				for _, got := range in.Timelines {
					// What was read is compared as text: bytes that are no
					// UTF-8 are replaced on the way.
					tracetest.SameText(t, tracetest.JSON(t, got), tracetest.JSON(t, live[got.TraceID]))
					tracetest.CheckLedger(t, got)
				}
			})
		})
	}
}

func TestContradictionsOfALiveRequestAreNamedWhenReadBack(t *testing.T) {
	named := 0
	tracetest.Seeds(t, 15, func(t *testing.T, rng *rand.Rand) {
		live, in := written(t, sinkFile, true, rng, 20)
		for _, got := range in.Timelines {
			named += len(got.Problems)
			got.Problems = nil
			tracetest.SameText(t, tracetest.JSON(t, got), tracetest.JSON(t, live[got.TraceID]))
		}
	})
	if named == 0 {
		t.Fatal("none was named")
	}
}

func TestATimelineFromElsewhereKeepsAllItsStages(t *testing.T) {
	tracetest.Seeds(t, 15, func(t *testing.T, rng *rand.Rand) {
		rc := record.NewRecorder(record.Options{})
		defer tracetest.Close(t, rc)
		w := recordtest.NewWorld(rc, rng)
		for range 10 {
			// Over the endpoint a timeline comes without the spans of what it shares.
			var tl trace.Timeline
			r := w.Request()
			r.Done(record.AllEvents)
			if err := json.Unmarshal([]byte(tracetest.JSON(t, r.Timeline())), &tl); err != nil {
				t.Fatal(err)
			}
			from, err := newProvenance(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			s := newSpanner()
			s.timeline(&tl)
			in, err := Read(bytes.NewReader(appendRequestJSON(nil, &from, s.spans)))
			if err != nil {
				t.Fatal(err)
			}
			tracetest.SameText(t, tracetest.JSON(t, in.Timelines), tracetest.JSON(t, []*trace.Timeline{&tl}))
		}
	})
}

func TestSharedWorkIsExportedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	sink, err := NewSink(context.Background(), SinkOptions{Kind: sinkFile, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
	conn := rc.NewConn("127.0.0.1:1", "127.0.0.1:2")
	conn.BeginAt(stages.HandleRawConn, record.Now())
	conn.EndAt(stages.HandleRawConn, record.Now())
	const sharers = 12
	batch := recordtest.SavedBatch(sharers)
	var all []*record.Record
	for range sharers {
		all = append(all, recordtest.WarmPut(rc, conn, batch))
	}
	for _, r := range all {
		r.Done(record.AllEvents)
	}
	tracetest.Close(t, rc)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"wal.sync": 1, "wal.save": 1, connectionName: 1, "grpc.handleRawConn": 1, "grpc.flush": sharers} {
		if got := strings.Count(string(data), `"name":"`+name+`"`); got != want {
			t.Errorf("%d spans %s, want %d", got, name, want)
		}
	}
	in, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tl := range in.Timelines {
		if st := tl.Find(stages.WALSync); st == nil || st.SharedBy != sharers || st.Scope != stages.ScopeBatch || st.Parent != "wal.save" {
			t.Fatalf("wal.sync of one request: %+v", st)
		}
	}
	opened := slices.IndexFunc(in.Timelines, func(tl *trace.Timeline) bool { return tl.Find(stages.HandleRawConn) != nil })
	if opened < 0 || in.Timelines[opened].TraceID != all[0].TraceID() {
		t.Fatalf("the connection is shown with request %d", opened)
	}
	if len(in.Timelines) != sharers {
		t.Fatalf("%d timelines", len(in.Timelines))
	}
}

func TestEveryCodeHasItsNumber(t *testing.T) {
	for c := range codes.Code(40) {
		if got, ok := codeOf(c.String()); !ok || got != c {
			t.Errorf("%v: %v, %v", c, got, ok)
		}
	}
	for _, bad := range []string{"", "Code()", "Code(1)", "Code(x)", "Code(99999999999)", "ok", "Code(017)"} {
		if c, ok := codeOf(bad); ok {
			t.Errorf("%q is %v", bad, c)
		}
	}
}

// exporter returns an outlet to sink; nil for nil.
func exporter(t testing.TB, sink SpanSink) record.Outlet {
	t.Helper()
	if sink == nil {
		return nil
	}
	e, err := NewExporter(sink)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAConnectionThatFailedHasATimelineOfItsOwn(t *testing.T) {
	var out bytes.Buffer
	sink, err := NewSink(t.Context(), SinkOptions{Kind: sinkStdout, Writer: &out})
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
	c := rc.NewConn("10.0.0.1:5", "127.0.0.1:2379")
	begin := record.Now()
	c.BeginAt(stages.AcceptBackoff, begin)
	c.EndAt(stages.AcceptBackoff, begin+5_000_000)
	c.Backoff = record.BackoffFacts{Attempts: 3, Error: "too many open files"}
	c.BeginAt(stages.NetAccept, begin+5_000_000)
	c.EndAt(stages.NetAccept, begin+5_010_000)
	c.BeginAt(stages.HandleRawConn, begin+5_010_000)
	c.Fail("the client does not speak HTTP/2")

	last := rc.Last(1)
	if len(last) != 1 {
		t.Fatal("it has no record")
	}
	tl := last[0].Timeline()
	tracetest.CheckLedger(t, tl)
	if tl.Method != "" || tl.Message != "the client does not speak HTTP/2" || tl.Attributes[trace.AttrFailedConn] != "true" ||
		len(tl.NotReached) != 1 || tl.NotReached[0].Why != trace.WhyNoRequest || tl.Connection.Reused {
		t.Errorf("%+v", tl)
	}
	if st := tl.Find(stages.AcceptBackoff); st == nil || st.BeginNS != 0 || st.Attributes[trace.AttrAttempts] != "3" {
		t.Errorf("net.backoff: %+v", st)
	}
	if st := tl.Find(stages.HandleRawConn); st == nil || !st.Open {
		t.Errorf("grpc.handleRawConn: %+v", st)
	}
	if got, err := rc.WaitFor(tracetest.Limit(t), tl.TraceID); err != nil || got != last[0] {
		t.Errorf("looked up it is %v, %v", got, err)
	}
	tracetest.Close(t, rc)
	if got := rc.Slowest(1); len(got) != 0 {
		t.Error("it counts among the slowest requests")
	}
	in, err := Read(&out)
	if err != nil || len(in.Timelines) != 1 {
		t.Fatalf("read back: %+v, %v", in, err)
	}
	tracetest.SameText(t, tracetest.JSON(t, in.Timelines[0]), tracetest.JSON(t, tl))
}

func TestAPauseSurvivesAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	sink, err := NewSink(t.Context(), SinkOptions{Kind: sinkFile, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
	r, _ := recordtest.PausedPut(rc)
	r.Done(record.AllEvents)
	want := r.Timeline()
	tracetest.Close(t, rc)
	file, err := ReadFile(path)
	if err != nil || len(file.Timelines) != 1 {
		t.Fatalf("read: %+v, %v", file, err)
	}
	tracetest.SameText(t, tracetest.JSON(t, file.Timelines[0]), tracetest.JSON(t, want))
}
