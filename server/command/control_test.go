package command

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.uber.org/zap"

	"glasskv/server/control"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
)

// notes is a Printer that remembers what it was to print.
type notes struct {
	held   chan *control.Report
	events chan control.Event
}

func newNotes() *notes {
	return &notes{held: make(chan *control.Report, 16), events: make(chan control.Event, 16)}
}

func (*notes) AddFlags(*pflag.FlagSet)                {}
func (*notes) Print(io.Writer, *trace.Timeline) error { return nil }

func (n *notes) PrintHold(_ io.Writer, r *control.Report, _ string, _ bool) error {
	n.held <- r
	return nil
}
func (n *notes) PrintEvent(_ io.Writer, e control.Event) error { n.events <- e; return nil }

// newTracing returns an observer with these flags.
func newTracing(t *testing.T, p Printer, args ...string) *Tracing {
	t.Helper()
	tr := NewTracing(p)
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	tr.AddFlags(fs)
	if err := fs.Parse(append([]string{"--listen-trace-url", "http://127.0.0.1:0"}, args...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := tr.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return tr
}

func TestARequestIsHeldFromTheStartAndSteeredOverHTTP(t *testing.T) {
	seen := newNotes()
	tr := newTracing(t, seen, "--break", "v3rpc.Put:key=/orders/")
	cfg := servetest.Config(t)
	cfg.Logger = zap.NewNop()
	seams, err := tr.Seams(cfg, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	node := servetest.Start(t, cfg, seams)
	ctx := servetest.Context(t)
	done := make(chan error, 1)
	go func() {
		_, err := pb.NewKVClient(node.Conn).Put(ctx, &pb.PutRequest{Key: []byte("/orders/1")})
		done <- err
	}()
	c := &control.Client{Base: tr.endpoint.url()}
	if shown := next(t, seen.held); shown.Stage != "v3rpc.Put" || shown.Key != "/orders/1" {
		t.Errorf("held: %+v", shown.Hold)
	}
	if _, err := c.Step(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if shown := next(t, seen.held); shown.ID != 2 || shown.Stage != "etcdserver.raftRequest" {
		t.Errorf("held after a step: %+v", shown.Hold)
	}
	if st, err := c.State(ctx, 0); err != nil || len(st.Holds) != 1 || st.Breaks[0].Hits != 1 {
		t.Errorf("state: %+v, %v", st, err)
	}
	if _, err := c.Continue(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if err := next(t, done); err != nil {
		t.Errorf("put: %v", err)
	}
	for _, want := range []string{trace.EndedStepped, trace.EndedContinued} {
		if e := next(t, seen.events); e.Kind != control.Released || e.Ended != want {
			t.Errorf("told %+v, want %s", e, want)
		}
	}
}

func next[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	timeout := time.NewTimer(testTimeout)
	defer timeout.Stop()
	select {
	case v = <-c:
	case <-timeout.C:
		t.Fatal("nothing came")
	}
	return v
}

func TestAServerIsNotSteeredUnlessThatIsAskedFor(t *testing.T) {
	tr := newTracing(t, newNotes())
	if _, err := tr.Seams(servetest.Config(t), "", io.Discard); err != nil {
		t.Fatal(err)
	}
	c := &control.Client{Base: tr.endpoint.url()}
	ctx := servetest.Context(t)
	_, err := c.SetBreak(ctx, control.Break{Stage: "v3rpc.Put"})
	if !errors.Is(err, control.ErrOff) || !strings.Contains(err.Error(), "--control") {
		t.Errorf("set a breakpoint: %v", err)
	}
	if st := tr.observer.Steering().State(); len(st.Breaks) != 0 {
		t.Errorf("it was set: %+v", st)
	}
}

// A page in a browser that has a name of its own point here asks for that name.
func TestAServerIsSteeredUnderItsOwnNameOnly(t *testing.T) {
	tr := newTracing(t, newNotes(), "--control")
	if _, err := tr.Seams(servetest.Config(t), "", io.Discard); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodPost, tr.endpoint.url()+"/v1/control/breaks", strings.NewReader(`{"stage":"v3rpc.Put"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "rebound.example"
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Glasskv-Control", "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || len(tr.observer.Steering().State().Breaks) != 0 {
		t.Errorf("answered %s", resp.Status)
	}
}

func TestFlagsOfControlThatContradictOthers(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--break", "wal.sync"}, "--break wal.sync: requests cannot be held at wal.sync; the nearest stage where they can is wal.save"},
		{[]string{"--break", "raft.propos"}, `no stage is called "raft.propos"`},
		{[]string{"--control", "--trace", "off"}, "--trace off installs no seam"},
		{[]string{"--control", "--listen-trace-url", ""}, "is reached over the trace endpoint"},
		{[]string{"--control", "--listen-trace-url", "http://0.0.0.0:0"}, "use a loopback address for --listen-trace-url"},
		{[]string{"--hold-timeout", "0s"}, "--hold-timeout 0s: use a time above zero"},
	} {
		tr := newTracing(t, newNotes(), c.args...)
		if _, err := tr.Seams(servetest.Config(t), "", io.Discard); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.args, err, c.says)
		}
	}
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	NewTracing(newNotes()).AddFlags(fs)
	if err := fs.Parse([]string{"--break", "*"}); err == nil || !strings.Contains(err.Error(), "a breakpoint is on one stage") {
		t.Errorf("--break *: %v", err)
	}
}

func TestAFaultIsOnFromTheStartAndSwitchedOffOverHTTP(t *testing.T) {
	tr := newTracing(t, newNotes(), "--fault", "slow-handler:delay=2ms", "--fault", "slow-fsync:delay=uniform(1ms,2ms)")
	cfg := servetest.Config(t)
	seams, err := tr.Seams(cfg, "", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	node := servetest.Start(t, cfg, seams)
	ctx := servetest.Context(t)
	finished := make(chan *record.Record, 16)
	defer tr.rec.Subscribe(func(r *record.Record) { finished <- r })()
	if _, err := pb.NewKVClient(node.Conn).Put(ctx, &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-finished:
		if on := r.Timeline().Attributes[trace.AttrFaults]; on != "slow-fsync,slow-handler" {
			t.Errorf("faults that the request names: %q", on)
		}
	case <-ctx.Done():
		t.Fatal("no record came")
	}
	client := &control.Client{Base: tr.endpoint.url()}
	left, err := client.ClearFault(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if f.On {
			t.Errorf("%s is still on", f.Name)
		}
	}
}

func TestFaultsThatMakeNoSenseStopTheStart(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--fault", "slow-fsync"}, "--fault slow-fsync: slow-fsync needs a delay"},
		{[]string{"--fault", "slow-disk:delay=1ms"}, `--fault slow-disk:delay=1ms: no fault is called "slow-disk"`},
		{[]string{"--fault", "slow-fsync:delay=1ms", "--trace", "off"}, "--trace off installs no seam"},
	} {
		tr := newTracing(t, newNotes(), c.args...)
		if _, err := tr.Seams(servetest.Config(t), "", io.Discard); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q", c.args, err, c.says)
		}
	}
}
