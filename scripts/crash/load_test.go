package crash

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// writer puts one key after the other, each once, and knows how many it has
// been promised. Of the one under way when the server dies nothing is known.
type writer struct {
	id   int
	kept int // puts that were acknowledged, in this life or before
}

func (w *writer) prefix() string     { return fmt.Sprintf("w%02d/", w.id) }
func (w *writer) key(n int) string   { return fmt.Sprintf("%s%06d", w.prefix(), n) }
func (w *writer) value(n int) []byte { return fmt.Appendf(nil, "value %d of writer %d", n, w.id) }
func (w *writer) String() string     { return fmt.Sprintf("writer %d", w.id) }
func dial(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// write puts until the server is gone, and reports every acknowledgement.
func (w *writer) write(ctx context.Context, kv pb.KVClient, acknowledged func()) {
	for {
		_, err := kv.Put(ctx, &pb.PutRequest{Key: []byte(w.key(w.kept)), Value: w.value(w.kept)})
		if err != nil {
			return
		}
		w.kept++
		acknowledged()
	}
}

// load runs all writers until the server dies, and calls enough once, at the
// given number of acknowledgements.
func load(ctx context.Context, addr string, writers []*writer, target int64, enough func(acknowledged *atomic.Int64)) error {
	conn, err := dial(addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	kv := pb.NewKVClient(conn)
	var acknowledged atomic.Int64
	var wg sync.WaitGroup
	for _, w := range writers {
		wg.Go(func() {
			w.write(ctx, kv, func() {
				if acknowledged.Add(1) == target {
					go enough(&acknowledged) // the writers go on meanwhile
				}
			})
		})
	}
	wg.Wait()
	return nil
}

// check compares what the server has with what it promised. The put that was
// under way may have made it; anything else is a loss or an invention.
func (w *writer) check(ctx context.Context, t *testing.T, kv pb.KVClient) {
	t.Helper()
	got, err := kv.Range(ctx, &pb.RangeRequest{Key: []byte(w.prefix()), RangeEnd: []byte(fmt.Sprintf("w%02d0", w.id))})
	if err != nil {
		t.Fatalf("%v: %v", w, err)
	}
	if n := len(got.Kvs); n != w.kept && n != w.kept+1 {
		t.Fatalf("%v: %d puts were acknowledged, %d are there", w, w.kept, n)
	}
	for n, kv := range got.Kvs {
		if string(kv.Key) != w.key(n) || !bytes.Equal(kv.Value, w.value(n)) {
			t.Fatalf("%v: found %q = %q, want %q = %q", w, kv.Key, kv.Value, w.key(n), w.value(n))
		}
		if kv.Version != 1 {
			t.Fatalf("%v: %q was written %d times, and put once", w, kv.Key, kv.Version)
		}
	}
	w.kept = len(got.Kvs)
}
