package seam

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// newRecord makes a record that belongs to nobody.
func newRecord(t testing.TB) *record.Record {
	rc := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rc.Close(context.Background()) })
	return rc.Start(nil, 1, record.Now())
}

// recorded returns a context that a record travels in.
func recorded(t testing.TB, rec *record.Record) context.Context {
	return context.WithValue(limit(t), record.ContextKey(), rec)
}

// limit ends what hangs; nothing waits for it otherwise. It is there for cleanups
// as well, when the context of the test has ended.
func limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// await receives from c, or ends the test.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-limit(t).Done():
		t.Fatalf("%s: nothing came", what)
	}
	return v
}

func entryOf(t testing.TB, id uint64) []byte {
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
