package hold

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timelinetest"
)

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

// report is a write that is held with two others before the log is written.
func report(t *testing.T) *control.Report {
	t.Helper()
	soFar, err := timelinetest.Parse(`
request /etcdserverpb.KV/Put "" 2ms conn=1 key=/orders/1
v3rpc.Put 10us 2ms open
etcdserver.raftRequest 20us 2ms open in=v3rpc.Put
etcdserver.processInternalRaftRequestOnce 30us 2ms open
raft.propose 40us 100us
raft.waitReady 100us 1900us
raft.handleReady 1900us 2ms
`)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(soFar)
	if err != nil {
		t.Fatal(err)
	}
	return &control.Report{
		Hold: control.Hold{
			ID: 4, Stage: "wal.save", Why: trace.WhyBreakpoint, Method: "/etcdserverpb.KV/Put", Key: "/orders/\x1b[31m",
			Since: noon.Add(-time.Second), Until: noon.Add(59 * time.Second), Lane: control.LaneRaftLoop, HeldUp: 5, With: 3,
		},
		Timeline: text,
		Goroutines: []control.Goroutine{
			{Role: "held", State: "select", Frames: []control.Frame{
				{Symbol: "seam.(*storage).Save", Place: "server/seam/storage.go:22"},
				{Symbol: "etcdserver.(*raftNode).save", Place: "server/etcdserver/ready.go:110"},
			}},
			{Role: "handler", State: "select", More: 6, Frames: []control.Frame{
				{Symbol: "etcdserver.(*EtcdServer).processInternalRaftRequestOnce", Place: "server/etcdserver/propose.go:86"},
			}},
		},
		Raft: control.Raft{
			ID: "8e9e05c52164694d", State: "StateLeader", Term: 2, Leader: "8e9e05c52164694d", LastIndex: 9, Commit: 6, Applied: 6,
			Progress: []control.Progress{{ID: "8e9e05c52164694d", Match: 6, Next: 10, State: "StateReplicate"}},
		},
		WAL: []control.Entry{
			{Index: 5, Term: 2, Kind: "EntryNormal", Bytes: 62, RequestID: "694da205633d2801"},
			{Index: 6, Term: 2, Kind: "EntryNormal"},
		},
		Queues: control.Queues{Proposals: 8, Unapplied: 1, ApplyJobs: 1, Readers: 2, Requests: 9},
	}
}

// state has two breakpoints and a request that is held.
func state(t *testing.T) control.State {
	return control.State{
		Breaks: []control.Break{
			{Stage: "raft.propose", Method: "Put", KeyPrefix: "/orders/", Timeout: control.Duration(time.Minute), Once: true},
			{Stage: "wal.save", Hits: 3},
		},
		Holds: []control.Hold{report(t).Hold}, Passed: 2,
	}
}

// What is shown of holds, on screens of several widths and in both languages. Run
// with -rewrite and review the difference as text.
func TestBlocks(t *testing.T) {
	datadriven.RunTest(t, "testdata/blocks", func(t *testing.T, d *datadriven.TestData) string {
		o := Options{Now: noon, Endpoint: endpoint.DefaultTraceURL, Options: screen.Options{Width: 80}}
		d.MaybeScanArgs(t, "width", &o.Width)
		if d.HasArg("zh") {
			o.Lang = lang.ZH
		}
		o.Typed = d.HasArg("typed")
		var out bytes.Buffer
		var err error
		switch d.Cmd {
		case "show":
			err = Render(&out, report(t), o)
		case "list":
			err = printList(&out, state(t), o)
		case "nothing":
			err = printList(&out, control.State{}, o)
		}
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		for line := range strings.Lines(out.String()) {
			if n := screen.Width(strings.TrimSuffix(line, "\n")); n > o.Width {
				t.Errorf("%d columns at %d: %s", n, o.Width, line)
			}
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Error("a client's escape sequence reached the screen")
		}
		return out.String()
	})
}

// Only what works where it is shown is said: another port needs a flag, and a server
// that no command reaches has none named.
func TestTheWaysToGoOnAreThoseThatWork(t *testing.T) {
	const typed = "type s to step, or c to continue, here"
	for _, c := range []struct {
		o    Options
		says string
	}{
		{Options{Endpoint: endpoint.DefaultTraceURL}, "go on       glasskv hold step 4 · glasskv hold continue 4\n"},
		{Options{Endpoint: "http://127.0.0.1:9"}, "go on       glasskv hold step 4 --endpoint http://127.0.0.1:9 · glasskv hold continue 4 --endpoint http://127.0.0.1:9\n"},
		{Options{Typed: true}, "go on       " + typed + "\n"},
		{Options{}, "records to process 0\n"},
	} {
		c.o.Options = screen.Options{Width: 160}
		var out bytes.Buffer
		if err := Render(&out, report(t), c.o); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), c.says) {
			t.Errorf("%+v: ends with %q, want %q", c.o, out.String()[max(0, out.Len()-200):], c.says)
		}
	}
}
