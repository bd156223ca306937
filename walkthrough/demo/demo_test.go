package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/summary"
)

// run runs the demo with flags as on the command line and returns what it
// prints. Nothing of it may remain in the directory that it was given.
func run(t *testing.T, only string, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o := Options{Only: only, Show: show.New(), Log: zap.NewNop()}
	fs := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	o.Show.AddFlags(fs)
	if err := fs.Parse(flags); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	if err := Run(ctx, &out, o); err != nil {
		t.Fatal(err)
	}
	wantEmpty(t, dir)
	return out.String()
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAsJSONItIsTheFiveTimelinesAndNothingElse(t *testing.T) {
	var all []trace.Timeline
	lines := bufio.NewScanner(strings.NewReader(run(t, "", "--output", "json")))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var tl trace.Timeline
		if err := json.Unmarshal(lines.Bytes(), &tl); err != nil {
			t.Fatalf("%v in %s", err, lines.Text())
		}
		all = append(all, tl)
	}
	if len(all) != len(scenes) {
		t.Fatalf("%d timelines of %d scenes", len(all), len(scenes))
	}
	put, reused, read, unknown, shared := &all[0], &all[1], &all[2], &all[3], &all[4]
	for i := range all {
		wantWhole(t, scenes[i].name, &all[i])
	}
	for _, stage := range []string{"client.dial", "net.accept", "grpc.handleRawConn", "grpc.serveStreams", "wal.sync"} {
		if put.Stage(stage) == nil {
			t.Errorf("put: no %s", stage)
		}
	}
	if put.Connection.Reused || !reused.Connection.Reused || put.Connection.ID != reused.Connection.ID {
		t.Errorf("connections: %+v, then %+v", put.Connection, reused.Connection)
	}
	if !slices.Contains(reused.NotReached, trace.NotReached{Stage: "grpc.handleRawConn", Why: trace.WhyReused}) {
		t.Errorf("reused: handleRawConn is not said to be missing: %v", reused.NotReached)
	}
	if read.Stage("read.index") == nil || read.Stage("wal.sync") != nil {
		t.Error("range: no read index, or an fsync")
	}
	if unknown.Code != "Unimplemented" || unknown.Stage("grpc.processRPC") != nil {
		t.Errorf("unknown: code %s", unknown.Code)
	}
	if n := sharedBy(shared); n < 2 {
		t.Errorf("shared: by %d", n)
	}
}

// wantWhole fails unless a client saw the request, its ledger tiles its whole
// duration, and nearly all of it is explained.
func wantWhole(t *testing.T, scene string, tl *trace.Timeline) {
	t.Helper()
	var at int64
	for _, row := range tl.Ledger {
		if row.BeginNS != at || row.EndNS <= at {
			t.Errorf("%s: ledger row %+v behind %d", scene, row, at)
		}
		at = row.EndNS
	}
	if at != tl.DurationNS || tl.Observer != trace.ObserverClient || tl.Explained < 0.95 {
		t.Errorf("%s: ledger to %d of %d, seen by the %s, %.1f %% explained", scene, at, tl.DurationNS, tl.Observer, 100*tl.Explained)
	}
}

func TestAsTextItFitsTheScreenAndSpeaksBothLanguages(t *testing.T) {
	for _, c := range []struct {
		flags []string
		width int
		parts []string
	}{
		{[]string{"--lang", "en", "--width", "80"}, 80, []string{"GlassKV: one request, seen whole", "── 6 · table ──", "PUT greeting", "as the client saw it", "What to try next"}},
		{[]string{"--lang", "zh", "--width", "120"}, 120, []string{"GlassKV：完整地看见一个请求", "── 6 · table ──", "客户端所见", "接下来可以试试"}},
	} {
		got := run(t, "", c.flags...)
		for _, part := range c.parts {
			if !strings.Contains(got, part) {
				t.Errorf("%v: no %q", c.flags, part)
			}
		}
		if n := strings.Count(got, "glasskv explain"); n < len(scenes) {
			t.Errorf("%v: %d verdicts of %d scenes", c.flags, n, len(scenes))
		}
		for line := range strings.Lines(got) {
			if line = strings.TrimRight(line, "\n"); screen.Width(line) > c.width {
				t.Errorf("%v: a line of %d columns: %s", c.flags, screen.Width(line), line)
			}
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("%v: escape sequences in a pipe", c.flags)
		}
	}
}

func TestTheTableAloneAsJSONIsARowALine(t *testing.T) {
	var sync, total bool
	for line := range strings.Lines(run(t, sceneTable, "--output", "json")) {
		var row summary.Row
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		sync = sync || row.Stage == "wal.sync" && row.Count == series
		total = total || row.Stage == "total" && row.Count == series
	}
	if !sync || !total {
		t.Errorf("a row of all fsyncs: %v, a total: %v", sync, total)
	}
}

func TestOneSceneAloneIsWarm(t *testing.T) {
	var tl trace.Timeline
	if err := json.Unmarshal([]byte(run(t, "range", "--output", "json")), &tl); err != nil {
		t.Fatal(err)
	}
	if tl.Method != "/etcdserverpb.KV/Range" || !tl.Connection.Reused {
		t.Errorf("%s on connection %+v", tl.Method, tl.Connection)
	}
}

// stopAt is a writer whose reader leaves when the first scene has begun.
type stopAt struct {
	got   bytes.Buffer
	leave func()
}

func (w *stopAt) Write(b []byte) (int, error) {
	n, err := w.got.Write(b)
	if bytes.Contains(w.got.Bytes(), []byte("── 1 ·")) {
		w.leave()
	}
	return n, err
}

func TestInterruptedItTidiesUp(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Run(ctx, &stopAt{leave: cancel}, Options{Show: show.New(), Log: zap.NewNop()})
	if err == nil {
		t.Error("it went on")
	}
	wantEmpty(t, dir)
}

func TestWhatCannotStartLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := Run(ctx, &out, Options{Show: show.New(), Log: zap.NewNop()}); !errors.Is(err, context.Canceled) {
		t.Errorf("started: %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("printed %q", out.String())
	}
	wantEmpty(t, dir)
}

func execute(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestMistakesAreRefusedBeforeAnythingStarts(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--only puts", "no scene \"puts\", use one of put, reused, range, unknown, shared, table"},
		{"--lang fr", "use " + lang.Or(lang.Names())},
		{"--output yaml", "use text or json"},
		{"--frobnicate", "unknown flag: --frobnicate"},
		{"puts", "no scene \"puts\", use one of put, reused, range, unknown, shared, table, or a branch that --list names"},
		{"put --only range", "name the scene once"},
		{"put range", "accepts at most 1 arg"},
	} {
		if out, err := execute(strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%s: error %v, output %q; want %q", c.args, err, out, c.want)
		}
	}
}

func TestTheListNamesScenesAndBranches(t *testing.T) {
	out, err := execute("--list", "--lang", "en", "--width", "100")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sceneNames(), branchNames()...) {
		if !strings.Contains(out, "  "+name+" ") {
			t.Errorf("no %s", name)
		}
	}
}

// A write to a connection whose other side is gone raises the same signal as one
// to a pipe that nobody reads. Over TLS that is how most connections end.
func TestAConnectionThatIsGoneDoesNotStopTheDemo(t *testing.T) {
	for range 3 {
		if out, err := execute("tls", "--output", "json"); err != nil || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: %q", err, out)
		}
	}
}
