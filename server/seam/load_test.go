package seam

import (
	"context"
	"sync/atomic"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Many clients write and read for a while. Every record is sound, and when all are finished
// the recorder and the table of requests know of none any more. The tests of front and
// path check the same for what those packages keep.
func TestNothingIsLeftBehind(t *testing.T) {
	const clients = 64
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	recorder := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = recorder.Close(context.Background()) })
	finished, all := atomic.Int64{}, make(chan struct{})
	recorder.Subscribe(func(rec *record.Record) {
		tl := rec.Timeline()
		tiles(t, tl)
		nested(t, tl)
		if finished.Add(1) == int64(2*clients*rounds) {
			close(all)
		}
	})
	o, err := New(recorder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := servetest.Start(t, servetest.Config(t), o.Seams())
	seamtest.Load(t, pb.NewKVClient(s.Conn), clients, rounds)
	seamtest.Await(t, "the last record", all)

	o.path.EachProposal(func(rec *record.Record) { t.Errorf("request %d is still in the table", rec.RequestID()) })
	stats := recorder.Stats()
	if stats.Live != 0 || stats.Swept != 0 || stats.Overwritten != 0 || stats.NotRecorded != 0 {
		t.Errorf("recorder: %+v", stats)
	}
}
