package seamtest

import (
	"context"
	"testing"
	"time"

	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"
)

// newRecord makes a record that belongs to nobody.
func Record(t testing.TB) *record.Record {
	rc := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rc.Close(context.Background()) })
	return rc.Start(nil, 1, record.Now())
}

// recorded returns a context that a record travels in.
func Context(t testing.TB, rec *record.Record) context.Context {
	return context.WithValue(Limit(t), record.ContextKey(), rec)
}

// Limit ends what hangs; nothing waits for it otherwise. It is there for cleanups
// as well, when the context of the test has ended.
func Limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Await receives from c, or ends the test.
func Await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-Limit(t).Done():
		t.Fatalf("%s: nothing came", what)
	}
	return v
}

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
