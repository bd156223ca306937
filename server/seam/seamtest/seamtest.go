// Package seamtest helps the tests of the seams: records, entries, time limits, load, and a
// client that writes HTTP/2 frames by hand.
package seamtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// Record returns a new record of no request.
func Record(t testing.TB) *record.Record {
	rc := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rc.Close(context.Background()) })
	return rc.Start(nil, 1, record.Now())
}

// Context returns a context that carries a record, with the time limit of Limit.
func Context(t testing.TB, rec *record.Record) context.Context {
	return context.WithValue(Limit(t), record.ContextKey(), rec)
}

// Limit returns a context that ends after 30 seconds, so that a test that hangs fails. It may
// also be used in a cleanup, when the test's own context has ended.
func Limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Await receives from c. If nothing comes within Limit, the test fails.
func Await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-Limit(t).Done():
		t.Fatalf("%s: nothing came", what)
	}
	return v
}

// Entry returns the data of an entry that puts a value of 300 bytes and has a request ID.
func Entry(t testing.TB, id uint64) []byte {
	t.Helper()
	data, err := proto.Marshal(&pb.InternalRaftRequest{
		Header: &pb.RequestHeader{ID: id, Username: "root"},
		Put:    &pb.PutRequest{Key: []byte("k"), Value: make([]byte, 300)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Load has each client put a key and read it back, again and again. It returns when all are
// through.
func Load(t testing.TB, kv pb.KVClient, clients, rounds int) {
	t.Helper()
	ctx := Limit(t)
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
