package serve_test

import (
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// Every one of many watchers on one stream hears of every write, in order,
// though the store's channel holds only a few of them at a time.
func TestWatchManyOnOneStream(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	const watchers, writes = 1000, 5
	s := openWatchStream(t, node)
	for id := range int64(watchers) {
		s.create(&pb.WatchCreateRequest{Key: []byte("k"), WatchId: id + 1})
	}
	var last int64
	for range writes {
		last = mustPut(ctx, t, client, "k", "v")
	}
	seen := make(map[int64]int64, watchers)
	for left := watchers * writes; left > 0; {
		got := s.next()
		for _, ev := range got.Events {
			if before := seen[got.WatchId]; before != 0 && ev.Kv.ModRevision != before+1 {
				t.Fatalf("watcher %d saw revision %d after %d", got.WatchId, ev.Kv.ModRevision, before)
			}
			seen[got.WatchId] = ev.Kv.ModRevision
			left--
		}
	}
	for id, rev := range seen {
		if rev != last {
			t.Errorf("watcher %d is at revision %d, want %d", id, rev, last)
		}
	}
	if len(seen) != watchers {
		t.Errorf("%d watchers saw anything, want %d", len(seen), watchers)
	}
}

// A client that does not read holds up neither the writers nor the other
// watchers, and finds everything when it does read.
func TestWatchSlowClient(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	slow := openWatchStream(t, node)
	slow.create(&pb.WatchCreateRequest{Key: []byte("k")})
	quick := client.Watch(ctx, "k", clientv3.WithCreatedNotify())
	response(ctx, t, quick)

	// More than the windows of a connection and the store's channel hold.
	const writes = 600
	value := strings.Repeat("v", 4096)
	var first int64
	for i := range writes {
		rev := mustPut(ctx, t, client, "k", value)
		if i == 0 {
			first = rev
		}
		if ev := events(ctx, t, quick, 1)[0]; ev.Kv.ModRevision != rev {
			t.Fatalf("the quick watcher saw revision %d, want %d", ev.Kv.ModRevision, rev)
		}
	}
	for rev := first; rev < first+writes; {
		for _, ev := range slow.next().Events {
			if ev.Kv.ModRevision != rev {
				t.Fatalf("the slow watcher saw revision %d, want %d", ev.Kv.ModRevision, rev)
			}
			rev++
		}
	}
}
