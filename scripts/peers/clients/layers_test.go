package clients

import (
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/leasing"
	"go.etcd.io/etcd/client/v3/mirror"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/ordering"
)

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
