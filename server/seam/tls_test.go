package seam

import (
	"context"
	"testing"

	"glasskv/server/serve/servetest"
	"glasskv/trace"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// door is a real node whose every record a test can take.
type door struct {
	testing.TB
	*servetest.Node
	recorder *trace.Recorder
	finished chan *trace.Record
}

func openDoor(t testing.TB, change func(*doorConfig)) *door {
	t.Helper()
	d := &door{TB: t, finished: make(chan *trace.Record, 4096)}
	d.recorder = trace.NewRecorder(trace.Options{})
	t.Cleanup(func() { _ = d.recorder.Close(context.Background()) })
	d.recorder.Subscribe(func(rec *trace.Record) { d.finished <- rec })
	observer, err := New(d.recorder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(observer.Close)
	c := doorConfig{Config: servetest.Config(t), Seams: observer.Seams()}
	change(&c)
	d.Node = servetest.Start(t, c.Config, c.Seams)
	return d
}

// next takes the next record of a request for a method, or of a connection that
// carried none where method is empty.
func (d *door) next(method string) *trace.Record {
	d.Helper()
	for {
		rec := await(d, "record of "+method, d.finished)
		if rec.Facts().Method == method {
			return rec
		}
	}
}

func TestAPutOverTLS(t *testing.T) {
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) { ca.Secure(&c.Config) })
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{d.Endpoint()}, TLS: ca.Client("")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, err := client.Put(limit(t), "greeting", "hello"); err != nil {
		t.Fatal(err)
	}
	rec := d.next("/etcdserverpb.KV/Put")
	tl := rec.Timeline()
	for _, s := range []trace.Stage{trace.CmuxMatch, trace.NetAccept, trace.HandleRawConn, trace.TLSHandshake, trace.NewHTTP2Transport, trace.WALSync} {
		if tl.Stage(s.String()) == nil {
			t.Errorf("%s is not in the timeline", s)
		}
	}
	facts := rec.Conn().TLS
	if facts == nil || facts.Version != "TLS 1.3" || facts.ALPN != "h2" || facts.PeerName != "" || facts.Cipher == "" {
		t.Errorf("TLS = %+v", facts)
	}
	_, shaken := rec.Conn().Stamps(trace.TLSHandshake)
	if begin, _ := rec.Conn().Stamps(trace.NewHTTP2Transport); begin < shaken {
		t.Errorf("newHTTP2Transport begins at %d, the handshake ends at %d", begin, shaken)
	}
}
