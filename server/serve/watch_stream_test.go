package serve_test

import (
	"bytes"
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

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
