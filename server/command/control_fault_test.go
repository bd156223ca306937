package command

import (
	"io"
	"strings"
	"testing"

	"glasskv/server/control"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

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
