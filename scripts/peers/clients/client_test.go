package clients

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.etcd.io/etcd/client/v3/leasing"
	"go.etcd.io/etcd/client/v3/mirror"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/ordering"
	"golang.org/x/sync/errgroup"
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
		for len(alive) > 0 { // the replies from before the restart
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

func session(t *testing.T, s *server) *concurrency.Session {
	t.Helper()
	session := must[*concurrency.Session](t)(concurrency.NewSession(s.client(t)))
	t.Cleanup(func() { session.Close() })
	return session
}

// Whoever asks first gets the lock; the other has to wait until it is let go,
// or until the first one's session is over.
func TestMutexesExclude(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		ctx := within(t)
		first, second := session(t, s), session(t, s)
		one, two := concurrency.NewMutex(first, "door"), concurrency.NewMutex(second, "door")
		if err := one.Lock(ctx); err != nil {
			t.Fatal(err)
		}
		if err := two.TryLock(ctx); !errors.Is(err, concurrency.ErrLocked) {
			t.Fatalf("TryLock: %v", err)
		}
		locked := make(chan error, 1)
		go func() { locked <- two.Lock(ctx) }()
		if err := one.Unlock(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-locked; err != nil {
			t.Fatal(err)
		}

		go func() { locked <- one.Lock(ctx) }()
		if err := second.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-locked; err != nil {
			t.Fatal(err)
		}
	})
}

// One is elected, proclaims, and resigns; everybody who observes is told, and
// the next one follows.
func TestElectionsFollow(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		ctx := within(t)
		alice := concurrency.NewElection(session(t, s), "mayor")
		bob := concurrency.NewElection(session(t, s), "mayor")
		if _, err := alice.Leader(ctx); !errors.Is(err, concurrency.ErrElectionNoLeader) {
			t.Fatalf("leader of nobody: %v", err)
		}
		if err := alice.Campaign(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		observed := bob.Observe(ctx)
		tells := func(want string) {
			t.Helper()
			if r := <-observed; string(r.Kvs[0].Value) != want {
				t.Fatalf("observed %q, want %q", r.Kvs[0].Value, want)
			}
		}
		tells("alice")
		if err := alice.Proclaim(ctx, "alice the wise"); err != nil {
			t.Fatal(err)
		}
		tells("alice the wise")
		elected := make(chan error, 1)
		go func() { elected <- bob.Campaign(ctx, "bob") }()
		if err := alice.Resign(ctx); err != nil {
			t.Fatal(err)
		}
		if err := <-elected; err != nil {
			t.Fatal(err)
		}
		tells("bob")
	})
}

// Transactions in software, under every isolation: no increment is lost.
func TestSoftwareTransactionsLoseNothing(t *testing.T) {
	const workers, rounds = 8, 10
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		for _, level := range []concurrency.Isolation{concurrency.SerializableSnapshot, concurrency.Serializable, concurrency.RepeatableReads} {
			key := fmt.Sprint("counter/", level)
			increment := func(stm concurrency.STM) error {
				n, _ := strconv.Atoi(stm.Get(key)) // nothing yet is 0
				stm.Put(key, strconv.Itoa(n+1))
				return nil
			}
			var all errgroup.Group
			for range workers {
				all.Go(func() error {
					for range rounds {
						if _, err := concurrency.NewSTM(c, increment, concurrency.WithIsolation(level), concurrency.WithAbortContext(ctx)); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := all.Wait(); err != nil {
				t.Fatal(err)
			}
			got := must[*clientv3.GetResponse](t)(c.Get(ctx, key))
			if want := strconv.Itoa(workers * rounds); string(got.Kvs[0].Value) != want {
				t.Errorf("isolation %d: counted to %s, want %s", level, got.Kvs[0].Value, want)
			}
		}
	})
}

// In a namespace one reads, writes, watches and leases as if it were alone;
// from outside its keys have the prefix.
func TestNamespaces(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		plain, c, ctx := s.client(t), s.client(t), within(t)
		c.KV = namespace.NewKV(c.KV, "app/")
		c.Watcher = namespace.NewWatcher(c.Watcher, "app/")
		c.Lease = namespace.NewLease(c.Lease, "app/")

		lease := must[*clientv3.LeaseGrantResponse](t)(c.Grant(ctx, 60))
		put := must[*clientv3.PutResponse](t)(c.Put(ctx, "k", "v", clientv3.WithLease(lease.ID)))
		must[*clientv3.PutResponse](t)(plain.Put(ctx, "k", "outside"))
		if got := must[*clientv3.GetResponse](t)(c.Get(ctx, "", clientv3.WithPrefix())); got.Count != 1 || string(got.Kvs[0].Key) != "k" {
			t.Errorf("inside: %v", got.Kvs)
		}
		if got := must[*clientv3.GetResponse](t)(plain.Get(ctx, "app/k")); got.Count != 1 || string(got.Kvs[0].Value) != "v" {
			t.Errorf("outside: %v", got.Kvs)
		}
		if r := <-c.Watch(ctx, "k", clientv3.WithRev(put.Header.Revision)); string(r.Events[0].Kv.Key) != "k" {
			t.Errorf("watched: %v", r.Events)
		}
		ttl := must[*clientv3.LeaseTimeToLiveResponse](t)(c.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys()))
		if len(ttl.Keys) != 1 || string(ttl.Keys[0]) != "k" {
			t.Errorf("leased: %q", ttl.Keys)
		}
		txn := must[*clientv3.TxnResponse](t)(c.Txn(ctx).If(clientv3.Compare(clientv3.Value("k"), "=", "v")).Then(clientv3.OpDelete("k")).Commit())
		if !txn.Succeeded {
			t.Error("the transaction did not see the key of its namespace")
		}
	})
}

// Two clients that cache what they have leased never read what the other has
// overwritten.
func TestLeasingKeepsCachesTrue(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		ctx := within(t)
		caches := make([]clientv3.KV, 2)
		for i := range caches {
			kv, done, err := leasing.NewKV(s.client(t), "leases/")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(done)
			caches[i] = kv
		}
		for round := range 6 {
			value := string(rune('a' + round))
			must[*clientv3.PutResponse](t)(caches[round%2].Put(ctx, "k", value))
			for i, cache := range caches {
				if got := must[*clientv3.GetResponse](t)(cache.Get(ctx, "k")); string(got.Kvs[0].Value) != value {
					t.Fatalf("round %d: cache %d has %q", round, i, got.Kvs[0].Value)
				}
			}
		}
	})
}

// A mirror is told what there is, and then what happens.
func TestMirrors(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		for _, key := range []string{"m/1", "m/2", "other"} {
			must[*clientv3.PutResponse](t)(c.Put(ctx, key, "v"))
		}
		sync := mirror.NewSyncer(c, "m/", 0)
		base, errs := sync.SyncBase(ctx)
		n := 0
		for r := range base {
			n += len(r.Kvs)
		}
		if err := <-errs; err != nil || n != 2 {
			t.Fatalf("%d keys at first, %v", n, err)
		}
		updates := sync.SyncUpdates(ctx)
		must[*clientv3.DeleteResponse](t)(c.Delete(ctx, "m/1"))
		if r := <-updates; len(r.Events) != 1 || r.Events[0].Type != clientv3.EventTypeDelete {
			t.Fatalf("update: %v", r.Events)
		}
	})
}

// Reads through the ordering client never go back in time, restart or not.
func TestOrdering(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		kv := ordering.NewKV(c.KV, ordering.NewOrderViolationSwitchEndpointClosure(c))
		must[*clientv3.PutResponse](t)(kv.Put(ctx, "k", "one"))
		before := must[*clientv3.GetResponse](t)(kv.Get(ctx, "k"))
		s.stop()
		s.start(t)
		after := must[*clientv3.GetResponse](t)(kv.Get(ctx, "k", clientv3.WithSerializable()))
		if after.Header.Revision < before.Header.Revision || after.Count != 1 {
			t.Fatalf("revision %d after %d", after.Header.Revision, before.Header.Revision)
		}
	})
}

// Services are found under their names, and whoever looks is told when that
// changes.
func TestNaming(t *testing.T) {
	onBoth(t, func(t *testing.T, s *server) {
		c, ctx := s.client(t), within(t)
		names := must[endpoints.Manager](t)(endpoints.NewManager(c, "service"))
		changes := must[endpoints.WatchChannel](t)(names.NewWatchChannel(ctx))
		for _, addr := range []string{"127.0.0.1:1", "127.0.0.1:2"} {
			if err := names.AddEndpoint(ctx, "service/"+addr, endpoints.Endpoint{Addr: addr}); err != nil {
				t.Fatal(err)
			}
			if u := <-changes; len(u) != 1 || u[0].Op != endpoints.Add || u[0].Endpoint.Addr != addr {
				t.Fatalf("told %+v", u)
			}
		}
		if err := names.DeleteEndpoint(ctx, "service/127.0.0.1:1"); err != nil {
			t.Fatal(err)
		}
		if u := <-changes; len(u) != 1 || u[0].Op != endpoints.Delete {
			t.Fatalf("told %+v", u)
		}
		if all := must[endpoints.Key2EndpointMap](t)(names.List(ctx)); len(all) != 1 {
			t.Fatalf("listed %v", all)
		}
	})
}
