package seam

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// doorConfig is what a test may change before a node is started.
type doorConfig struct {
	serve.Config
	serve.Seams
}

// door is a real node, every record of which a test can take.
type door struct {
	testing.TB
	*servetest.Node
	recorder *record.Recorder
	observer *Observer
	finished chan *record.Record
}

func openDoor(t testing.TB, change func(*doorConfig)) *door {
	t.Helper()
	d := &door{TB: t, finished: make(chan *record.Record, 4096)}
	d.recorder = record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = d.recorder.Close(context.Background()) })
	d.recorder.Subscribe(func(rec *record.Record) { d.finished <- rec })
	var err error
	if d.observer, err = New(d.recorder, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.observer.Close)
	c := doorConfig{Config: servetest.Config(t), Seams: d.observer.Seams()}
	change(&c)
	d.Node = servetest.Start(t, c.Config, c.Seams)
	return d
}

// next takes the next record.
func (d *door) next() *trace.Timeline {
	d.Helper()
	return seamtest.Await(d, "record", d.finished).Timeline()
}

// put sends a put over a connection of its own.
func (d *door) put(config *tls.Config) error {
	d.Helper()
	cc, err := grpc.NewClient(d.Endpoint(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		d.Fatal(err)
	}
	defer cc.Close()
	_, err = pb.NewKVClient(cc).Put(seamtest.Limit(d), &pb.PutRequest{Key: []byte("greeting"), Value: []byte("hello")})
	return err
}

// say connects, says something, and reads until the server hangs up.
func (d *door) say(text string) {
	d.Helper()
	conn, err := new(net.Dialer).DialContext(seamtest.Limit(d), "tcp", d.Endpoint())
	if err != nil {
		d.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		d.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		d.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // it may be reset
}

// has checks that a timeline shows these stages.
func has(t testing.TB, tl *trace.Timeline, stages ...stages.Stage) {
	t.Helper()
	for _, s := range stages {
		if st := tl.Stage(s.String()); st == nil {
			t.Errorf("%s is not in the timeline of %q", s, tl.Method)
		} else if st.EndNS < st.BeginNS {
			t.Errorf("%s ends at %d and begins at %d", s, st.EndNS, st.BeginNS)
		}
	}
}

// hasNot checks that it does not show these.
func hasNot(t testing.TB, tl *trace.Timeline, stages ...stages.Stage) {
	t.Helper()
	for _, s := range stages {
		if tl.Stage(s.String()) != nil {
			t.Errorf("%s is in the timeline of %q", s, tl.Method)
		}
	}
}

// closes checks that the ledger tiles the request, and that little of it is not
// explained.
func closes(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	tiles(t, tl)
	if tl.Explained < leastExplained {
		t.Errorf("%.2f of %q is explained: %+v", tl.Explained, tl.Method, tl.Ledger)
	}
}
