package seam

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Many clients write and read for a while. Every record is sound, and when all
// is over the observer knows of no request any more.
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
	load(t, pb.NewKVClient(s.Conn), clients, rounds)
	seamtest.Await(t, "the last record", all)

	o.path.EachProposal(func(rec *record.Record) { t.Errorf("request %d is still in the table", rec.RequestID()) })
	if rec := o.path.Current(); rec != nil {
		t.Errorf("request %d is still being applied", rec.RequestID())
	}
	stats := recorder.Stats()
	if stats.Live != 0 || stats.Swept != 0 || stats.Overwritten != 0 || stats.NotRecorded != 0 {
		t.Errorf("recorder: %+v", stats)
	}
	if n := o.front.Unfinished(); n != 0 {
		t.Errorf("%d requests are still known to their connections", n)
	}
}

// load has each client put a key and read it back, time and again.
func load(t *testing.T, kv pb.KVClient, clients, rounds int) {
	t.Helper()
	ctx := seamtest.Limit(t)
	var wg sync.WaitGroup
	for i := range clients {
		key := fmt.Appendf(nil, "key-%d", i)
		wg.Go(func() {
			for range rounds {
				if _, err := kv.Put(ctx, &pb.PutRequest{Key: key, Value: key}); err != nil {
					t.Errorf("put: %v", err)
				}
				if resp, err := kv.Range(ctx, &pb.RangeRequest{Key: key}); err != nil || resp.Count != 1 {
					t.Errorf("get: %v, %v", resp, err)
				}
			}
		})
	}
	wg.Wait()
}
