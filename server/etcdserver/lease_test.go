package etcdserver

import (
	"context"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/raft/v3/raftpb"
)

// held is a place where a test stops the server. Whoever comes there says so and
// waits; without a stop one only passes.
type held struct{ arrived, release chan struct{} }

func newHeld() *held { return &held{make(chan struct{}, 16), make(chan struct{})} }

func (h *held) pass() {
	h.arrived <- struct{}{}
	<-h.release
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-testContext(t).Done():
		t.Fatalf("%s did not happen", what)
	}
}

// A client that knows a lease's ID may renew it before this member has applied
// its grant. It waits for that, instead of being told that there is no lease.
func TestRenewWaitsForTheGrantToBeApplied(t *testing.T) {
	const id = 7
	apply, waiting, armed := newHeld(), make(chan struct{}, 1), make(chan struct{})
	s := startServer(t, testConfig(t, t.TempDir()), Seams{
		ApplyAll: func(next ApplyAllFunc) ApplyAllFunc {
			return func(entries []*raftpb.Entry) {
				select {
				case <-armed:
					apply.pass()
				default:
				}
				next(entries)
			}
		},
		LeaseWaitApplied: func(next LeaseWaitAppliedFunc) LeaseWaitAppliedFunc {
			return func(ctx context.Context) error {
				waiting <- struct{}{}
				return next(ctx)
			}
		},
	})
	close(armed)
	ctx := testContext(t)
	granted := make(chan error, 1)
	go func() {
		_, err := s.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: id, TTL: 60})
		granted <- err
	}()
	await(t, "the apply of the grant", apply.arrived)
	go func() {
		<-waiting
		close(apply.release)
	}()
	if ttl, err := s.LeaseRenew(ctx, lease.LeaseID(id)); err != nil || ttl != 60 {
		t.Errorf("renewed for %d seconds, %v; want 60", ttl, err)
	}
	if err := <-granted; err != nil {
		t.Errorf("grant: %v", err)
	}
}

// stoppedDisk is a disk that stops when the test says so.
type stoppedDisk struct {
	Storage
	armed <-chan struct{}
	save  *held
}

func (h *stoppedDisk) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	select {
	case <-h.armed:
		if len(ents) > 0 {
			h.save.pass()
		}
	default:
	}
	return h.Storage.Save(st, ents)
}

// A leader whose raft loop hangs in the disk may have been replaced without
// knowing it, so it asks before it renews a lease.
func TestAStuckLeaderMakesSureThatItLeads(t *testing.T) {
	save, armed, asked := newHeld(), make(chan struct{}), make(chan struct{}, 16)
	s := startServer(t, testConfig(t, t.TempDir()), Seams{
		Storage: func(st Storage) Storage { return &stoppedDisk{st, armed, save} },
		ReadNotify: func(next ReadNotifyFunc) ReadNotifyFunc {
			return func(ctx context.Context, r *ReadRound) error {
				asked <- struct{}{}
				return next(ctx, r)
			}
		},
	})
	ctx := testContext(t)
	granted, err := s.LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 60})
	if err != nil {
		t.Fatal(err)
	}
	close(armed)
	written := make(chan error, 1)
	go func() {
		_, err := s.Put(ctx, &pb.PutRequest{Key: []byte("k")})
		written <- err
	}()
	await(t, "the save", save.arrived)
	s.r.latestTickTS.Store(0) // as if it had hung for long
	renewed := make(chan error, 1)
	go func() {
		_, err := s.LeaseRenew(ctx, lease.LeaseID(granted.ID))
		renewed <- err
	}()
	await(t, "the question whether it leads", asked)
	select {
	case err := <-renewed:
		t.Errorf("renewed before the answer, %v", err)
	default:
	}
	close(save.release)
	if err := <-renewed; err != nil {
		t.Errorf("renew: %v", err)
	}
	if err := <-written; err != nil {
		t.Errorf("put: %v", err)
	}
}

// Who waits for a leader is told when there is none, and when the server stops.
func TestRenewWithoutALeader(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	s.lead.Store(0)
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := s.LeaseRenew(ctx, 1); err == nil || err.Error() != "etcdserver: no leader" {
		t.Errorf("renew: %v, want no leader", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.LeaseTimeToLive(testContext(t), &pb.LeaseTimeToLiveRequest{ID: 1})
		done <- err
	}()
	s.HardStop()
	if err := <-done; err == nil || err.Error() != "etcdserver: server stopped" {
		t.Errorf("time to live: %v, want that the server is stopped", err)
	}
}
