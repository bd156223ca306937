package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
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

// watchStream speaks the protocol itself, where etcd's library would be too
// clever.
type watchStream struct {
	t *testing.T
	pb.Watch_WatchClient
	cancel context.CancelFunc
}

func openWatchStream(t *testing.T, node *servetest.Node) *watchStream {
	t.Helper()
	ctx, cancel := context.WithCancel(servetest.Context(t))
	t.Cleanup(cancel)
	stream, err := pb.NewWatchClient(node.Conn).Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &watchStream{t, stream, cancel}
}

func (s *watchStream) ask(req *pb.WatchRequest) {
	s.t.Helper()
	if err := s.Send(req); err != nil {
		s.t.Fatal(err)
	}
}

func (s *watchStream) create(creq *pb.WatchCreateRequest) *pb.WatchResponse {
	s.t.Helper()
	s.ask(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: creq}})
	return s.next()
}

func (s *watchStream) cancelWatch(id int64) {
	s.t.Helper()
	s.ask(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CancelRequest{
		CancelRequest: &pb.WatchCancelRequest{WatchId: id},
	}})
}

func (s *watchStream) next() *pb.WatchResponse {
	s.t.Helper()
	resp, err := s.Recv()
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// What cannot be created is refused with etcd's words, and the stream goes on.
func TestWatchRefusals(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	s := openWatchStream(t, node)
	if created := s.create(&pb.WatchCreateRequest{Key: []byte("k"), WatchId: 7}); created.Canceled || created.WatchId != 7 {
		t.Fatalf("watcher 7: %v", created)
	}
	for _, tc := range []struct {
		name, reason string
		request      *pb.WatchCreateRequest
	}{
		{
			"an ID that is taken", "mvcc: duplicate watch ID provided on the WatchStream",
			&pb.WatchCreateRequest{Key: []byte("k"), WatchId: 7},
		},
		{
			"a range that is empty", "mvcc: watcher range is empty",
			&pb.WatchCreateRequest{Key: []byte("b"), RangeEnd: []byte("a")},
		},
		{
			"a revision below zero", "etcdserver: mvcc: required revision has been compacted",
			&pb.WatchCreateRequest{Key: []byte("k"), StartRevision: -1},
		},
	} {
		got := s.create(tc.request)
		if !got.Created || !got.Canceled || got.WatchId != -1 || got.CancelReason != tc.reason {
			t.Errorf("%s: %v, want it refused because %q", tc.name, got, tc.reason)
		}
	}
	if created := s.create(&pb.WatchCreateRequest{Key: []byte("k")}); created.Canceled || created.WatchId != 0 {
		t.Errorf("a watcher after the refusals: %v", created)
	}
}

// A cancelled watcher is silent, its ID is free again, and the others go on. One
// that does not exist is not answered.
func TestWatchCancel(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	s := openWatchStream(t, node)
	s.create(&pb.WatchCreateRequest{Key: []byte("k"), WatchId: 1})
	s.create(&pb.WatchCreateRequest{Key: []byte("k"), WatchId: 2})
	s.cancelWatch(99)
	s.cancelWatch(1)
	if got := s.next(); !got.Canceled || got.WatchId != 1 || got.CancelReason != "" {
		t.Fatalf("after the cancel: %v", got)
	}
	rev := mustPut(ctx, t, client, "k", "v")
	if got := s.next(); got.WatchId != 2 || got.Header.Revision != rev || len(got.Events) != 1 {
		t.Fatalf("after the put: %v, want one event for watcher 2", got)
	}
	if got := s.create(&pb.WatchCreateRequest{Key: []byte("k"), WatchId: 1}); got.Canceled || got.WatchId != 1 {
		t.Errorf("watcher 1 again: %v", got)
	}
}

// An empty key is the smallest one, and an end of one zero byte is none at all.
func TestWatchEverything(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	s := openWatchStream(t, node)
	s.create(&pb.WatchCreateRequest{RangeEnd: []byte{0}})
	for _, key := range []string{"\x00", "k", "\xff\xff"} {
		mustPut(ctx, t, client, key, "v")
		if got := s.next(); len(got.Events) != 1 || string(got.Events[0].Kv.Key) != key {
			t.Errorf("put of %q: %v", key, got)
		}
	}
}

// One write of many large values comes in pieces, of which all but the last say
// that there is more.
func TestWatchFragments(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.MaxRequestBytes = 1024 // and what grpc allows on top of it
	node := servetest.Start(t, cfg, serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	value := bytes.Repeat([]byte("v"), 900)
	const n = 1000
	first := mustPut(ctx, t, client, "k", string(value))
	for range n - 1 {
		mustPut(ctx, t, client, "k", string(value))
	}
	s := openWatchStream(t, node)
	s.create(&pb.WatchCreateRequest{Key: []byte("k"), StartRevision: first, Fragment: true})
	pieces, seen := 0, first
	for more := true; more; pieces++ {
		got := s.next()
		for _, ev := range got.Events {
			if ev.Kv.ModRevision != seen {
				t.Fatalf("event has revision %d, want %d", ev.Kv.ModRevision, seen)
			}
			seen++
		}
		more = got.Fragment
	}
	if seen != first+n || pieces < 2 {
		t.Errorf("saw %d events in %d pieces, want %d in several", seen-first, pieces, n)
	}
}

// A client that has no more to ask goes on receiving.
func TestWatchAfterHalfClose(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	s := openWatchStream(t, node)
	s.create(&pb.WatchCreateRequest{Key: []byte("k")})
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	mustPut(servetest.Context(t), t, node.Client(t), "k", "v")
	if got := s.next(); len(got.Events) != 1 {
		t.Errorf("got %v, want the put", got)
	}
}

// The server's stop ends a stream at once, with an error that tells the client
// to look for another server.
func TestWatchEndsWithTheServer(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	s := openWatchStream(t, node)
	s.create(&pb.WatchCreateRequest{Key: []byte("k")})
	if err := node.Stop(servetest.Context(t)); err != nil {
		t.Errorf("stop: %v", err)
	}
	_, err := s.Recv()
	if want := rpctypes.ErrGRPCStopped; status.Code(err) != codes.Unavailable || status.Convert(err).Message() != status.Convert(want).Message() {
		t.Errorf("the stream ended with %v, want %v", err, want)
	}
}

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
