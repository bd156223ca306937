package serve_test

import (
	"context"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// events takes n events from a watch channel.
func events(ctx context.Context, t *testing.T, watch clientv3.WatchChan, n int) []*clientv3.Event {
	t.Helper()
	var all []*clientv3.Event
	for len(all) < n {
		resp := response(ctx, t, watch)
		if resp.Err() != nil {
			t.Fatalf("watch ended: %v", resp.Err())
		}
		all = append(all, resp.Events...)
	}
	return all
}

// response takes the next response.
func response(ctx context.Context, t *testing.T, watch clientv3.WatchChan) clientv3.WatchResponse {
	t.Helper()
	select {
	case resp, open := <-watch:
		if !open {
			t.Fatal("watch channel is closed")
		}
		return resp
	case <-ctx.Done():
		t.Fatal("no response")
	}
	panic("not reached")
}

func mustPut(ctx context.Context, t *testing.T, kv clientv3.KV, key, value string, opts ...clientv3.OpOption) int64 {
	t.Helper()
	resp, err := kv.Put(ctx, key, value, opts...)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return resp.Header.Revision
}

// A watcher sees what happens after it was created, in order, and nothing else.
func TestWatchFollowsAKey(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	mustPut(ctx, t, client, "k", "before")
	watch := client.Watch(ctx, "k", clientv3.WithCreatedNotify())
	if created := response(ctx, t, watch); !created.Created || created.Header.Revision != 2 {
		t.Fatalf("first response is %+v, want it created at revision 2", created)
	}
	mustPut(ctx, t, client, "k", "v")
	mustPut(ctx, t, client, "other", "v")
	if _, err := client.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	got := events(ctx, t, watch, 2)
	if got[0].Type != clientv3.EventTypePut || string(got[0].Kv.Value) != "v" || got[0].Kv.ModRevision != 3 {
		t.Errorf("first event is %v, want the put at revision 3", got[0])
	}
	if got[1].Type != clientv3.EventTypeDelete || got[1].Kv.ModRevision != 5 {
		t.Errorf("second event is %v, want the delete at revision 5", got[1])
	}
}
