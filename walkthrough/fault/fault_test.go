package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"glasskv/server/control"
	"glasskv/server/seam"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// steered starts a real server and returns its observer, and where it is steered.
func steered(t *testing.T) (node *servetest.Node, rec *record.Recorder, endpoint string) {
	t.Helper()
	rec = record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rec.Close(context.Background()) })
	observer, err := seam.New(rec, seam.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(observer.Close)
	node = servetest.Start(t, servetest.Config(t), observer.Seams())
	server := httptest.NewServer(control.Handler(observer.Steering()))
	t.Cleanup(server.Close)
	return node, rec, server.URL
}

// run runs a command as a user would type it.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	err := cmd.ExecuteContext(servetest.Context(t))
	return out.String(), err
}

func TestAFaultIsSwitchedOnAndOffByCommand(t *testing.T) {
	node, rec, endpoint := steered(t)
	finished := make(chan *record.Record, 16)
	defer rec.Subscribe(func(r *record.Record) { finished <- r })()
	put := func() *trace.Timeline {
		if _, err := pb.NewKVClient(node.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-finished:
			return r.Timeline()
		case <-servetest.Context(t).Done():
			t.Fatal("no record came")
			return nil
		}
	}
	put() // opens the connection

	out, err := run(t, "set", "slow-handler", "--delay", "2ms", "--endpoint", endpoint, "--lang", "en")
	if err != nil || !strings.Contains(out, "■ slow-handler") || !strings.Contains(out, "ON · delay 2ms") {
		t.Errorf("set: %v\n%s", err, out)
	}
	if strings.Contains(out, "busy-processor") {
		t.Errorf("a fault that is off is shown after a change:\n%s", out)
	}
	tl := put()
	if row := tl.Stage("seam.fault"); row == nil || row.Duration() < 2e6 || tl.Attributes[trace.AttrFaults] != "slow-handler" {
		t.Errorf("the request's row of the fault: %+v, attributes %v", row, tl.Attributes)
	}
	out, err = run(t, "--endpoint", endpoint, "--output", "json")
	on := 0
	for line := range strings.Lines(out) {
		var f control.Fault
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if f.On {
			on++
		}
	}
	if err != nil || on != 1 {
		t.Errorf("%d faults are on, %v, want 1", on, err)
	}
	out, err = run(t, "clear", "--all", "--endpoint", endpoint, "--lang", "en")
	if err != nil || !strings.Contains(out, "No fault is on") {
		t.Errorf("clear: %v\n%s", err, out)
	}
	if tl := put(); tl.Stage("seam.fault") != nil || tl.Attributes[trace.AttrFaults] != "" {
		t.Errorf("a fault is left: %v", tl.Attributes)
	}
}

func TestMistakesAreALineEach(t *testing.T) {
	_, _, endpoint := steered(t)
	for _, c := range []struct{ args, says string }{
		{"set", "set takes one fault"},
		{"set a b", "set takes one fault"},
		{"set slow-disk --delay 1ms", `no fault is called "slow-disk"`},
		{"set slow-fsync", "needs a delay; for example: delay 50ms"},
		{"set slow-fsync --delay soon", "is not a time such as 50ms"},
		{"set slow-fsync --delay 1m", "not above 10s"},
		{"set slow-fsync --delay 1ms --probability 2", "above 0 and not above 1"},
		{"set slow-fsync --delay 1ms --for -1s", "above zero"},
		{"set slow-fsync --delay 1ms --streams 1", "does not take streams"},
		{"set small-window --bytes 100", "at least 16384 bytes"},
		{"set full-quota", "needs streams from 1"},
		{"set busy-processor --goroutines 1000", "needs goroutines from 1 to 256"},
		{"clear", "clear takes a fault, or --all"},
		{"clear slow-fsync --all", "clear takes a fault, or --all"},
		{"clear slow-disk", `no fault is called "slow-disk"`},
	} {
		_, err := run(t, append(strings.Fields(c.args), "--endpoint", endpoint)...)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("fault %s: %v, want %q", c.args, err, c.says)
		}
	}
}

// A server that cannot be steered says what to start it with.
func TestTheWayOutIsSaid(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, "--endpoint", address); err == nil || !strings.Contains(err.Error(), "start a server with `glasskv serve --control`") {
		t.Errorf("nobody is there: %v", err)
	}
	off := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = w.Write([]byte(`{"error":"start it with --control"}`))
	}))
	defer off.Close()
	if _, err := run(t, "--endpoint", off.URL); err == nil || !strings.Contains(err.Error(), "start it with --control") {
		t.Errorf("control is off: %v", err)
	}
}

// What is listed came over HTTP: control characters in it are shown and not sent.
func TestTheListIsDrawn(t *testing.T) {
	all := []control.Fault{
		{Name: "slow-fsync", On: true, Delay: "exp(20ms)", Probability: 0.1, Struck: 3, EN: "the raft loop waits after fdatasync, before Save returns", ZH: "raft 循环在 fdatasync 之后等待"},
		{Name: "full-quota", EN: "others \x1b[2J wait", ZH: "其余的等待"},
		{Name: "busy-processor", On: true, Goroutines: 4, Struck: 7000, EN: "goroutines compute", ZH: "goroutine 一直计算"},
	}
	datadriven.RunTest(t, "testdata/list", func(t *testing.T, d *datadriven.TestData) string {
		var width int
		d.ScanArgs(t, "width", &width)
		o := screen.Options{Width: width, Lang: lang.EN}
		if d.HasArg("zh") {
			o.Lang = lang.ZH
		}
		some := all
		if d.HasArg("off") {
			some = all[1:2]
		}
		var out bytes.Buffer
		if err := printList(&out, some, o); err != nil {
			d.Fatalf(t, "%v", err)
		}
		for line := range strings.Lines(out.String()) {
			if got := screen.Width(strings.TrimRight(line, "\n")); got > width {
				t.Errorf("%d columns: %q", got, line)
			}
		}
		return out.String()
	})
}
