package clients

import (
	"errors"
	"fmt"
	"strconv"
	"testing"

	"golang.org/x/sync/errgroup"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

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
