package clients

import (
	"slices"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A read that is asked for while the server is away is answered when it is
// back.
func TestReadsAreRetriedOverARestart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		if _, err := c.Put(ctx, "greeting", "hello"); err != nil {
			t.Fatal(err)
		}
		s.stop()
		type answer struct {
			*clientv3.GetResponse
			err error
		}
		answers := make(chan answer, 1)
		go func() {
			got, err := c.Get(ctx, "greeting")
			answers <- answer{got, err}
		}()
		s.start(t)
		got := <-answers
		if got.err != nil || len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "hello" {
			t.Fatalf("got %v, %v", got.GetResponse, got.err)
		}
	})
}

// A watch goes on after a restart where it was: nothing is told twice, nothing
// is left out, not even what was written before the watcher was back.
func TestWatchesGoOnAfterARestart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		told := c.Watch(ctx, "k/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		if r := <-told; !r.Created {
			t.Fatalf("the watch was not created: %+v", r)
		}
		var seen []int64
		see := func(until int) {
			t.Helper()
			for len(seen) < until {
				r, ok := <-told
				if !ok || r.Err() != nil {
					t.Fatalf("watch ended: %v", r.Err())
				}
				for _, e := range r.Events {
					seen = append(seen, e.Kv.ModRevision)
				}
			}
		}
		for _, key := range []string{"k/1", "k/2"} {
			must[*clientv3.PutResponse](t)(c.Put(ctx, key, "before"))
		}
		see(2)

		s.stop()
		s.start(t)
		other := s.client(t)
		for _, key := range []string{"k/1", "k/3", "k/4"} {
			must[*clientv3.PutResponse](t)(other.Put(ctx, key, "after"))
		}
		see(5)
		if want := []int64{2, 3, 4, 5, 6}; !slices.Equal(seen, want) {
			t.Fatalf("seen %v, want %v", seen, want)
		}
	})
}

// A lease that is kept alive outlives a restart, with its key; revoked, it is
// gone, and whoever kept it alive is told.
func TestLeasesOutliveARestart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		lease := must[*clientv3.LeaseGrantResponse](t)(c.Grant(ctx, 3))
		must[*clientv3.PutResponse](t)(c.Put(ctx, "leased", "v", clientv3.WithLease(lease.ID)))
		alive := must[<-chan *clientv3.LeaseKeepAliveResponse](t)(c.KeepAlive(ctx, lease.ID))
		kept := func() {
			t.Helper()
			r, ok := <-alive
			for !ok && ctx.Err() == nil {
				// The client gives up when nobody answers for as long as the lease
				// would last, and on some errors of a connection. The lease is the
				// server's, which has not gone on counting.
				alive = must[<-chan *clientv3.LeaseKeepAliveResponse](t)(c.KeepAlive(ctx, lease.ID))
				r, ok = <-alive
			}
			if !ok || r.TTL != 3 {
				t.Fatalf("not kept alive: %v", r)
			}
		}
		kept()
		s.stop()
		for len(alive) > 0 { // of the time before
			<-alive
		}
		s.start(t)
		kept()
		kept()
		left := must[*clientv3.LeaseTimeToLiveResponse](t)(c.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()))
		if left.GrantedTTL != 3 || left.TTL < 1 || len(left.Keys) != 1 {
			t.Fatalf("lease after the restart: %+v", left)
		}

		must[*clientv3.LeaseRevokeResponse](t)(c.Revoke(ctx, lease.ID))
		if got := must[*clientv3.GetResponse](t)(c.Get(ctx, "leased")); got.Count != 0 {
			t.Fatal("the key of a revoked lease is still there")
		}
		for range alive { // ends when the client has learned that there is nothing to keep
		}
	})
}
