package hostile

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// patience is how long the neighbour waits for one write. A write that takes
// longer counts as harm.
const patience = 5 * time.Second

// neighbour is a client that does nobody any harm.
type neighbour struct {
	kv pb.KVClient
}

func newNeighbour(t *testing.T, addr string) *neighbour {
	t.Helper()
	cc, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return &neighbour{pb.NewKVClient(cc)}
}

// write puts a key and returns how long that took.
func (n *neighbour) write(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	begin := time.Now()
	_, err := n.kv.Put(ctx, &pb.PutRequest{Key: []byte("neighbour"), Value: []byte("v")})
	return time.Since(begin), err
}

// p99 writes count times, one write after the other.
func (n *neighbour) p99(ctx context.Context, count int) (time.Duration, error) {
	took := make([]time.Duration, count)
	for i := range took {
		var err error
		if took[i], err = n.write(ctx); err != nil {
			return 0, fmt.Errorf("write %d of %d: %w", i+1, count, err)
		}
	}
	return percentile99(took), nil
}

func percentile99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[(len(took)*99-1)/100]
}

// meanwhile is what the neighbour found while somebody else was at work.
type meanwhile struct {
	took []time.Duration
	err  error // the first write that failed
}

// during writes until work returns, and returns both results.
func (n *neighbour) during(ctx context.Context, work func(context.Context) error) (meanwhile, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var found meanwhile
	var wg sync.WaitGroup
	over := make(chan struct{})
	wg.Go(func() {
		for {
			took, err := n.write(context.WithoutCancel(ctx))
			found.took = append(found.took, took)
			if err != nil {
				found.err = err
				return
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	err := work(ctx)
	close(over)
	wg.Wait()
	return found, err
}
