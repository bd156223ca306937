package seam

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/serve/servetest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Two proposals under way at once want the same slot. The later one has it; the
// earlier one is as one that is not recorded, and does not disturb the other.
func TestARequestMayLoseItsSlotToALaterOne(t *testing.T) {
	const id = 77
	first, second, table := newRecord(t), newRecord(t), &requests{}
	table.put(id, first)
	table.put(id+requestSlots, second)
	if table.get(id) != nil || table.of(entryOf(t, id)) != nil {
		t.Error("the earlier one is found")
	}
	table.drop(id)
	if table.get(id+requestSlots) != second {
		t.Error("the later one went with the earlier one")
	}
	table.drop(id + requestSlots)
	if n := table.len(); n != 0 {
		t.Errorf("%d requests are left", n)
	}
	for _, rec := range []*record.Record{nil, first} {
		rec.EndAt(stages.RaftCommit, 1) // what the raft loop does with what it finds
	}
}

// len counts the requests in the table.
func (q *requests) len() (n int) {
	for i := range q.slots {
		if q.slots[i].Load() != nil {
			n++
		}
	}
	return n
}

func TestWhoWasNotTriggeredDidNotWakeUp(t *testing.T) {
	for name, triggered := range map[string]bool{"by its result": true, "by its own patience": false} {
		t.Run(name, func(t *testing.T) {
			rec, gone := newRecord(t), errors.New("gone")
			once := new(Observer).processOnce(func(context.Context, *pb.InternalRaftRequest) (*etcdserver.Result, error) {
				if triggered {
					rec.Begin(stages.WaitTrigger)
				}
				return nil, gone
			})
			if _, err := once(recorded(t, rec), &pb.InternalRaftRequest{}); !errors.Is(err, gone) {
				t.Errorf("error: %v", err)
			}
			_, ended := rec.Stamps(stages.ProcessOnce)
			if _, woke := rec.Stamps(stages.WaitTrigger); (woke != 0) != triggered || triggered && woke != ended {
				t.Errorf("wait.trigger ends at %d, the wait at %d", woke, ended)
			}
		})
	}
}

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
	await(t, "the last record", all)

	if n := o.requests.len(); n != 0 {
		t.Errorf("%d requests are still in the table", n)
	}
	if rec := o.applying.current.Load(); rec != nil {
		t.Errorf("request %d is still being applied", rec.RequestID())
	}
	stats := recorder.Stats()
	if stats.Live != 0 || stats.Swept != 0 || stats.Overwritten != 0 || stats.NotRecorded != 0 {
		t.Errorf("recorder: %+v", stats)
	}
	o.conns.Range(func(key, _ any) bool {
		c, _ := key.(*serverConn)
		if n := c.streams.all(func(*stream) {}); n != 0 {
			t.Errorf("connection %d has %d requests", c.trace.ID, n)
		}
		return true
	})
}

// load has each client put a key and read it back, time and again.
func load(t *testing.T, kv pb.KVClient, clients, rounds int) {
	t.Helper()
	ctx := limit(t)
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
