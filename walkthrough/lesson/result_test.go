package lesson

import (
	"math"
	"testing"

	"glasskv/trace"
)

// request returns a request that waited in these stages, one after the other.
func request(code string, sharedBy int, rows ...trace.LedgerRow) *trace.Timeline {
	t := &trace.Timeline{Code: code, Attributes: map[string]string{"glasskv.worker": "took"}}
	for _, row := range rows {
		row.BeginNS, row.EndNS = row.BeginNS+t.DurationNS, row.EndNS+t.DurationNS
		t.Ledger = append(t.Ledger, row)
		st := trace.StageTime{Stage: row.Stage, BeginNS: row.BeginNS, EndNS: row.EndNS}
		if row.Stage == "wal.sync" {
			st.SharedBy = sharedBy
		}
		t.Stages = append(t.Stages, st)
		t.DurationNS = row.EndNS
	}
	return t
}

func row(stage string, ns int64) trace.LedgerRow { return trace.LedgerRow{Stage: stage, EndNS: ns} }

func TestWhatCanBeAskedOfManyRequests(t *testing.T) {
	failed := request("Unimplemented", 0, row("grpc.startHandler", 30))
	failed.NotReached = []trace.NotReached{{Stage: "grpc.processRPC", Why: trace.WhyUnknown}}
	failed.Attributes = nil
	r := newResult([]*trace.Timeline{
		request("OK", 2, row("raft.waitReady", 100), row("wal.sync", 300)),
		request("OK", 2, row("raft.waitReady", 20), row("wal.sync", 300)),
		request("OK", 1, row("wal.sync", 150)),
		failed,
	})
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"count", float64(r.Count), 4},
		{"ok", float64(r.OK), 3},
		{"p50", r.P50(), 150},
		{"p50 of a stage, of those that have it", r.P50("raft.waitReady"), 20},
		{"p50 of two stages together", r.P50("raft.waitReady", "wal.sync"), 320},
		{"p50 of a stage that nobody passed", r.P50("read.index"), 0},
		{"least", r.Least(), 30},
		{"most", r.Most("wal.sync"), 300},
		{"total", r.Total("wal.sync"), 750},
		{"share", r.Share("wal.sync"), 750. / 900},
		{"kind", r.Kind("disk"), 750. / 900},
		{"shared", r.Shared("wal.sync"), 5. / 3},
		{"batches: one of two, one alone", float64(r.Batches("wal.sync")), 2},
		{"having", float64(r.Having("wal.sync")), 3},
		{"without, for a reason", float64(r.Without("grpc.processRPC", trace.WhyUnknown)), 1},
		{"marked", float64(r.Marked("worker", "took")), 3},
		{"marked with nothing", float64(r.Marked("worker", "")), 1},
		{"coded", float64(r.Coded("Unimplemented")), 1},
		{"slowest", r.Slowest.Duration, 400},
		{"fastest", r.Fastest.Duration, 30},
		{"share of one", r.First.Share("wal.sync"), 0.75},
		{"kind of one", r.First.Kind("queue"), 0.25},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if r.First.WaitsIn != "wal.sync" || r.Last.Why("grpc.processRPC") != trace.WhyUnknown || r.Last.Has("wal.sync") {
		t.Errorf("first waits in %s, last: %q", r.First.WaitsIn, r.Last.Why("grpc.processRPC"))
	}
}

func TestLinesOfAParagraphAreJoinedAsTheScriptWants(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"one\ntwo", "one two"},
		{"写入\n落盘", "写入落盘"},
		{"落盘，\nfsync 慢", "落盘，fsync 慢"},
		{"调用\nfsync", "调用 fsync"},
		{"用 fsync\n落盘", "用 fsync 落盘"},
	} {
		if got := paragraphs(c.text); len(got) != 1 || got[0] != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := paragraphs("a\n\nb\nc\n"); len(got) != 2 || got[1] != "b c" {
		t.Errorf("paragraphs %q", got)
	}
}
