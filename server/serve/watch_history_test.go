package serve_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// A watcher that begins in the past is caught up from the history, and then goes
// on without a gap.
func TestWatchFromAnOldRevision(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	first := mustPut(ctx, t, client, "a/1", "old")
	mustPut(ctx, t, client, "b", "not watched")
	mustPut(ctx, t, client, "a/2", "old")
	watch := client.Watch(ctx, "a/", clientv3.WithPrefix(), clientv3.WithRev(first))
	caughtUp := events(ctx, t, watch, 2)
	mustPut(ctx, t, client, "a/3", "new")
	var keys []string
	for _, ev := range append(caughtUp, events(ctx, t, watch, 1)...) {
		keys = append(keys, string(ev.Kv.Key))
	}
	if want := []string{"a/1", "a/2", "a/3"}; !slices.Equal(keys, want) {
		t.Errorf("saw %v, want %v", keys, want)
	}
}

// Each watcher of a key gets the previous value if it asked for it, and only
// then, although both are told of the same events.
func TestWatchPreviousValues(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	with := client.Watch(ctx, "k", clientv3.WithPrevKV(), clientv3.WithCreatedNotify())
	without := client.Watch(ctx, "k", clientv3.WithCreatedNotify())
	response(ctx, t, with)
	response(ctx, t, without)
	for _, value := range []string{"1", "2"} {
		mustPut(ctx, t, client, "k", value)
	}
	if _, err := client.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	var previous []string
	for _, ev := range events(ctx, t, with, 3) {
		previous = append(previous, string(ev.PrevKv.GetValue()))
	}
	if want := []string{"", "1", "2"}; !slices.Equal(previous, want) {
		t.Errorf("previous values are %q, want %q", previous, want)
	}
	for _, ev := range events(ctx, t, without, 3) {
		if ev.PrevKv != nil {
			t.Errorf("%v has a previous value that nobody asked for", ev)
		}
	}
}

// Filters keep away what a watcher does not want.
func TestWatchFilters(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	puts := client.Watch(ctx, "k", clientv3.WithFilterDelete(), clientv3.WithCreatedNotify())
	deletes := client.Watch(ctx, "k", clientv3.WithFilterPut(), clientv3.WithCreatedNotify())
	response(ctx, t, puts)
	response(ctx, t, deletes)
	mustPut(ctx, t, client, "k", "1")
	if _, err := client.Delete(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	mustPut(ctx, t, client, "k", "2")
	for _, ev := range events(ctx, t, puts, 2) {
		if ev.Type != clientv3.EventTypePut {
			t.Errorf("the watcher of puts saw %v", ev)
		}
	}
	if ev := events(ctx, t, deletes, 1)[0]; ev.Type != clientv3.EventTypeDelete {
		t.Errorf("the watcher of deletes saw %v", ev)
	}
}

// A watcher whose revision is compacted is told up to where, and ended.
func TestWatchOfCompactedRevision(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	var last int64
	for i := range 5 {
		last = mustPut(ctx, t, client, "k", fmt.Sprint(i))
	}
	if _, err := client.Compact(ctx, last-1); err != nil {
		t.Fatal(err)
	}
	resp := response(ctx, t, client.Watch(ctx, "k", clientv3.WithRev(1)))
	if !errors.Is(resp.Err(), rpctypes.ErrCompacted) || resp.CompactRevision != last-1 {
		t.Errorf("error %v, compact revision %d; want %v, %d", resp.Err(), resp.CompactRevision, rpctypes.ErrCompacted, last-1)
	}
}

// A watcher that asked for it hears how far it is, unasked, when nothing
// happens to its key; and at once when the client asks.
func TestWatchProgress(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.WatchProgressNotifyInterval = 100 * time.Millisecond
	node := servetest.Start(t, cfg, serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)

	watch := client.Watch(ctx, "k", clientv3.WithProgressNotify(), clientv3.WithCreatedNotify())
	response(ctx, t, watch)
	rev := mustPut(ctx, t, client, "other", "v")
	for {
		resp := response(ctx, t, watch)
		if !resp.IsProgressNotify() {
			t.Fatalf("got %+v, want news of progress", resp)
		}
		if resp.Header.Revision >= rev { // the first tick may have come before the put
			break
		}
	}

	asked := clientv3.NewWatcher(client)
	t.Cleanup(func() { _ = asked.Close() })
	quiet := asked.Watch(ctx, "k", clientv3.WithCreatedNotify())
	response(ctx, t, quiet)
	if err := asked.RequestProgress(ctx); err != nil {
		t.Fatal(err)
	}
	if resp := response(ctx, t, quiet); !resp.IsProgressNotify() || resp.Header.Revision != rev {
		t.Errorf("got %+v, want progress at revision %d", resp, rev)
	}
}
