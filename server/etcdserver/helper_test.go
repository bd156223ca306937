package etcdserver

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
)

// testConfig describes a single member with a fast clock. Nothing listens on
// its URLs.
func testConfig(t *testing.T, dir string) Config {
	t.Helper()
	cfg := DefaultConfig("n1", dir)
	peers := types.URLs{url.URL{Scheme: "http", Host: "127.0.0.1:2380"}}
	cfg.PeerURLs = peers
	cfg.ClientURLs = types.URLs{url.URL{Scheme: "http", Host: "127.0.0.1:2379"}}
	cfg.InitialPeerURLsMap = types.URLsMap{"n1": peers}
	cfg.TickMs = 5
	cfg.Logger = zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))
	return cfg
}

// startServer starts a member and waits until it is ready. It is stopped when
// the test ends, unless it has been stopped already.
func startServer(t *testing.T, cfg Config, seams Seams) *EtcdServer {
	t.Helper()
	s, err := NewServer(cfg, seams)
	if err != nil {
		t.Fatalf("NewServer: %v", err)
	}
	t.Cleanup(s.HardStop)
	s.Start()
	select {
	case <-s.ReadyNotify():
	case err := <-s.Fatal():
		t.Fatalf("member failed: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("member is not ready")
	}
	return s
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func put(t *testing.T, s *EtcdServer, key, value string) *pb.PutResponse {
	t.Helper()
	resp, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte(key), Value: []byte(value)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return resp
}

// get returns the value of key, "" when there is none.
func get(t *testing.T, s *EtcdServer, key string) string {
	t.Helper()
	resp, err := s.Range(testContext(t), &pb.RangeRequest{Key: []byte(key)})
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if len(resp.Kvs) == 0 {
		return ""
	}
	return string(resp.Kvs[0].Value)
}

func wantGet(t *testing.T, s *EtcdServer, key, want string) {
	t.Helper()
	if got := get(t, s, key); got != want {
		t.Errorf("%s = %q, want %q", key, got, want)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

func opPut(key, value string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{
		RequestPut: &pb.PutRequest{Key: []byte(key), Value: []byte(value)},
	}}
}

func opGet(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{
		RequestRange: &pb.RangeRequest{Key: []byte(key)},
	}}
}

// awaitDelete returns when the watcher has seen a key go.
func awaitDelete(t *testing.T, ws mvcc.WatchStream) {
	t.Helper()
	for {
		select {
		case resp := <-ws.Chan():
			for _, ev := range resp.Events {
				if ev.Type == mvccpb.Event_DELETE {
					return
				}
			}
		case <-testContext(t).Done():
			t.Fatal("key was not deleted")
		}
	}
}
