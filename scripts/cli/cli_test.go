package cli

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
)

func TestTheHelpNamesTheCommandsInTheOrderOfTheirUse(t *testing.T) {
	got := glasskv(t)
	if got.code != 0 || got.err != "" {
		t.Fatalf("%+v", got)
	}
	rest := got.out
	for _, part := range []string{
		"Run a server:", "\n  serve ",
		"Talk to a server, as etcdctl does:", "\n  put ", "\n  get ", "\n  del ", "\n  txn ", "\n  compact ", "\n  lease ",
		"Look inside:", "\n  demo ", "\n  timeline ", "\n  explain ", "\n  stages ",
	} {
		_, behind, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q is missing, or before its turn, in\n%s", part, got.out)
		}
		rest = part[len(part)-1:] + behind
	}
}

func TestAMistakeIsOneLineThatHelps(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"putt", `glasskv: unknown command "putt" for "glasskv"; did you mean put?`},
		{"frobnicate", `glasskv: unknown command "frobnicate" for "glasskv"; see glasskv --help`},
		{"hold brek", `glasskv: unknown command "brek" for "glasskv hold"; did you mean break?`},
		{"lease grant", "glasskv: accepts 1 arg(s), received 0; see glasskv lease grant --help"},
		{"--frobnicate", "glasskv: unknown flag: --frobnicate; see glasskv --help"},
		{"serve --frobnicate", "glasskv: unknown flag: --frobnicate; see glasskv serve --help"},
		{"explain wal.sink", `glasskv: no stage or branch is called "wal.sink"; did you mean wal.sync?`},
		{"timeline /nowhere/traces.json", "glasskv: "},
		{"put key value --endpoints 127.0.0.1:1", "glasskv: cannot reach 127.0.0.1:1: connection refused; start a server with `glasskv serve`, or name another with --endpoints"},
	} {
		got := glasskv(t, strings.Fields(c.args)...)
		if got.code != 1 || got.out != "" || !strings.HasPrefix(got.err, c.want) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%s: %+v", c.args, got)
		}
	}
}

// Two processes, one clock: the client's and the server's stamps are put on one
// axis without guessing.
func TestAWriteAndAReadAreSeenFromBothSides(t *testing.T) {
	s := serve(t)
	put := glasskv(t, "put", "greeting", "hello", "--endpoints", s.client, "--trace", "--output", "json")
	if put.code != 0 || put.err != "" {
		t.Fatalf("put: %+v", put)
	}
	tl := timeline(t, put.out)
	for _, stage := range []string{"client.dial", "client.send", "net.request", "grpc.handleRawConn", "wal.sync", "net.reply", "client.recv"} {
		st := tl.Stage(stage)
		if st == nil {
			t.Errorf("no %s", stage)
		} else if st.BeginEdge == stages.Inferred && strings.HasPrefix(stage, "net.") {
			t.Errorf("%s is inferred: the two clocks were not recognized as one", stage)
		}
	}
	if tl.Explained < 0.9 {
		t.Errorf("%.1f %% explained: %v", 100*tl.Explained, tl.Waited())
	}
	if get := glasskv(t, "get", "greeting", "--endpoints", s.client); get.out != "greeting\nhello\n" || get.code != 0 {
		t.Errorf("get: %+v", get)
	}
	// The plain get was recorded as well; only the client's part is missing.
	last := glasskv(t, "timeline", "--endpoint", s.timeline, "--output", "json")
	if tl := timeline(t, last.out); tl.Method != "/etcdserverpb.KV/Range" || tl.Observer != trace.ObserverServer {
		t.Errorf("the last request is %s, seen by the %s", tl.Method, tl.Observer)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
}

func timeline(t *testing.T, text string) *trace.Timeline {
	t.Helper()
	var tl trace.Timeline
	if err := json.Unmarshal([]byte(text), &tl); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return &tl
}

func TestAServerWithoutTracingSaysThatItHasNoTimelines(t *testing.T) {
	s := serve(t, "--trace", "off")
	put := glasskv(t, "put", "greeting", "hello", "--endpoints", s.client, "--trace")
	if put.code != 0 || !strings.HasPrefix(put.out, "OK\n") || !strings.Contains(put.err, "only the client's part is shown") {
		t.Errorf("put: %+v", put)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("the server ended with %d", code)
	}
}

func TestADemoThatNobodyReadsToTheEndTidiesUp(t *testing.T) {
	dir := t.TempDir()
	got := leaveEarly(t, "TMPDIR="+dir, "demo", "--lang", "en")
	if got.code != 0 || got.err != "" || !strings.HasPrefix(got.out, "GlassKV") {
		t.Errorf("%+v", got)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
