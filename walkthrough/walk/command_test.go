package walk

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glasskv/trace/stages"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/walk/tour"
)

// glasskv runs `glasskv walk` into a pipe.
func glasskv(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := NewCommand()
	var out, errs bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(ctx)
	return out.String(), errs.String(), err
}

func TestWhatContradictsItselfIsRefusedBeforeAnythingIsStarted(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"wal.snyc", "did you mean wal.sync?"},
		{"nothing.like.it.at.all", "`glasskv stages` lists them"},
		{"wal.sync wal.save", "begins at one stage"},
		{"--request push", "use one of put, get"},
		{"--last -1", "above zero"},
		{"--last 3 --trace x", "exclude each other"},
		{"--endpoint 127.0.0.1:1 --last 1", "--trace-endpoint says of which server"},
		{"--web --plain", "leave out --plain"},
		{"--web --listen 0.0.0.0:0 --trace no-such-file", "not on the loopback interface"},
		{"--web --listen 8080 --trace no-such-file", "want host:port"},
		{"--lang fr", lang.Or(lang.Names())},
		{"--trace no-such-file", "no such file"},
		{"--last 1 --trace-endpoint http://127.0.0.1:1", "name its trace endpoint with --trace-endpoint"},
		{"--endpoint 127.0.0.1:1", "put: cannot reach 127.0.0.1:1: connection refused; start a server with `glasskv serve`, or leave out --endpoint"},
	} {
		out, _, err := glasskv(t, "", strings.Fields(c.args)...)
		if err == nil || !strings.Contains(err.Error(), c.says) || out != "" {
			t.Errorf("walk %s: %v, %q; want %q", c.args, err, out, c.says)
		}
	}
}

// A request is made on a server of its own, and is a row of objects for programs.
func TestAsJSONEveryStopIsAnObject(t *testing.T) {
	out, stderr, err := glasskv(t, "", "--output", "json", "--request", "get", "--lang", "zh")
	if err != nil || stderr != "" {
		t.Fatalf("%v, %q", err, stderr)
	}
	seen := make(map[string]stopJSON)
	number := 0
	for line := range strings.Lines(out) {
		var s stopJSON
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if number++; s.Number != number || s.EndNS < s.BeginNS || s.TookNS < 0 || s.WaitedNS < 0 {
			t.Errorf("stop %d: %+v", number, s)
		}
		seen[s.Stage] = s
	}
	index, ok := seen["read.index"]
	if !ok || index.Symbol == "" || index.Chapter == nil || index.Chapter.Lang != "zh" || !strings.Contains(index.Chapter.Markdown, "## 发生了什么") || len(index.Sources) == 0 {
		t.Errorf("read.index: %+v", index)
	}
}

// What was exported is walked through as it was live: OTLP/JSON from standard input
// or a file, also of a program that has no stages.
func TestASavedRequestIsWalkedThrough(t *testing.T) {
	file := filepath.Join(t.TempDir(), "traces.json")
	writeSpans(t, file, 3, 30)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := glasskv(t, "", "--trace", file, "--lang", "en")
	if err != nil || strings.Count(out, "# 1 of ") != 3 {
		t.Errorf("a file of three: %v\n%s", err, out)
	}
	again, _, err := glasskv(t, string(text), "--trace", "-", "--lang", "en")
	if err != nil || again != out {
		t.Errorf("from standard input it is another walk: %v\n%s", err, again)
	}
	const foreign = `{"Name":"GET /checkout","SpanContext":{"TraceID":"0102030405060708090a0b0c0d0e0f10","SpanID":"0102030405060708"},` +
		`"StartTime":"2026-03-04T15:16:17Z","EndTime":"2026-03-04T15:16:18Z"}
{"Name":"evil \u001b[2J","SpanContext":{"TraceID":"0102030405060708090a0b0c0d0e0f10","SpanID":"0102030405060709"},` +
		`"Parent":{"TraceID":"0102030405060708090a0b0c0d0e0f10","SpanID":"0102030405060708"},` +
		`"StartTime":"2026-03-04T15:16:17.1Z","EndTime":"2026-03-04T15:16:17.9Z"}`
	out, _, err = glasskv(t, foreign, "--trace", "-", "--lang", "en")
	if err != nil || !strings.Contains(out, "knows nothing about it but its times") || strings.Contains(out, "\x1b") {
		t.Errorf("another program's: %v\n%q", err, out)
	}
}

// The requests of a running server are found by their number and by their trace ID,
// and a new one is made on it.
func TestARunningServerIsWalkedThrough(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	live, err := tour.Start(ctx, tour.LiveOptions{Log: demo.FailureLog(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := live.Close(); err != nil {
			t.Error(err)
		}
	}()
	tl, err := live.Do(ctx, "txn")
	if err != nil {
		t.Fatal(err)
	}
	at := []string{"--lang", "en", "--trace-endpoint", live.Server().TraceURL()}
	reach, err := live.Server().Reach()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		title string
		args  []string
	}{
		{"TXN ", []string{"--last", "1"}},
		{"TXN ", []string{"--trace", tl.TraceID}},
		{"DELETE glasskv/greeting ", []string{"--endpoint", reach.Endpoints[0], "--request", "delete"}},
	} {
		out, _, err := glasskv(t, "", append(c.args, at...)...)
		if err != nil || !strings.HasPrefix(out, c.title) {
			t.Errorf("%v: %v, %.80q", c.args, err, out)
		}
	}
	_, _, err = glasskv(t, "", append(at, "--trace", strings.Repeat("0", 31)+"1")...)
	if err == nil || !strings.Contains(err.Error(), "keeps its last") {
		t.Errorf("an unknown trace ID: %v", err)
	}
}

func TestTheShellCompletesStages(t *testing.T) {
	got, _ := completeStage(nil, nil, "wal.")
	if len(got) != 2 || !strings.HasPrefix(got[0], stages.WALSave.String()) {
		t.Errorf("got %q", got)
	}
}
