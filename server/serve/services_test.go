package serve_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// session returns a session whose lease the client keeps alive.
func session(t *testing.T, client *clientv3.Client) *concurrency.Session {
	t.Helper()
	s, err := concurrency.NewSession(client)
	if err != nil {
		t.Fatalf("session: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Two contend for a mutex of etcd's client library. The second has it when the
// first lets go, and not before.
func TestMutexHasOneOwner(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	first := concurrency.NewMutex(session(t, client), "/mutex")
	second := concurrency.NewMutex(session(t, client), "/mutex")

	if err := first.Lock(ctx); err != nil {
		t.Fatalf("lock: %v", err)
	}
	if err := second.TryLock(ctx); !errors.Is(err, concurrency.ErrLocked) {
		t.Errorf("try to lock what is locked: %v", err)
	}
	locked := make(chan error, 1)
	go func() { locked <- second.Lock(ctx) }()
	awaitContenders(t, client, "/mutex/", 2)
	select {
	case err := <-locked:
		t.Fatalf("two have the mutex: %v", err)
	default:
	}
	if err := first.Unlock(ctx); err != nil {
		t.Fatalf("unlock: %v", err)
	}
	if err := <-locked; err != nil {
		t.Errorf("lock after the other: %v", err)
	}
}

// awaitContenders returns when so many have put their key under prefix.
func awaitContenders(t *testing.T, client *clientv3.Client, prefix string, want int) {
	t.Helper()
	ctx, cancel := context.WithCancel(servetest.Context(t))
	defer cancel()
	got, err := client.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
	if err != nil {
		t.Fatal(err)
	}
	count := int(got.Count)
	changes := client.Watch(ctx, prefix, clientv3.WithPrefix(), clientv3.WithRev(got.Header.Revision+1))
	for count < want {
		for _, ev := range (<-changes).Events {
			if ev.IsCreate() {
				count++
			}
		}
	}
}

// The lock service does the same for clients that have no such library. The
// second caller waits inside its call.
func TestLockService(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	locks := v3lockpb.NewLockClient(node.Conn)

	first, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock")})
	if err != nil {
		t.Fatalf("lock: %v", err)
	}
	type outcome struct {
		resp *v3lockpb.LockResponse
		err  error
	}
	second := make(chan outcome, 1)
	go func() {
		resp, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock")})
		second <- outcome{resp, err}
	}()
	awaitContenders(t, client, "lock/", 2)
	if _, err := locks.Unlock(ctx, &v3lockpb.UnlockRequest{Key: first.Key}); err != nil {
		t.Fatalf("unlock: %v", err)
	}
	if got := <-second; got.err != nil || bytes.Equal(got.resp.Key, first.Key) {
		t.Errorf("lock after the other: %v, %v", got.resp, got.err)
	}
	_, err = locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock"), Lease: 4711})
	if status.Convert(err).Message() != "etcdserver: requested lease not found" {
		t.Errorf("lock with a lease that is not there: %v", err)
	}
}

// A caller that gives up leaves the queue, so that those behind it get on.
func TestLockIsGivenUp(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	locks := v3lockpb.NewLockClient(node.Conn)
	first, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock")})
	if err != nil {
		t.Fatal(err)
	}
	impatient, giveUp := context.WithCancel(ctx)
	gone := make(chan error, 1)
	go func() {
		_, err := locks.Lock(impatient, &v3lockpb.LockRequest{Name: []byte("lock")})
		gone <- err
	}()
	awaitContenders(t, client, "lock/", 2)
	watch := client.Watch(ctx, "lock/", clientv3.WithPrefix(), clientv3.WithFilterPut(), clientv3.WithCreatedNotify())
	<-watch // it watches
	giveUp()
	if err := <-gone; status.Code(err) != codes.Canceled {
		t.Errorf("the one who gave up: %v", err)
	}
	if deleted := <-watch; len(deleted.Events) != 1 || bytes.Equal(deleted.Events[0].Kv.Key, first.Key) {
		t.Errorf("removed from the queue: %v", deleted.Events)
	}
}

// A leader is elected, proclaims, resigns; an observer sees it all.
func TestElectionService(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	ctx, stop := context.WithCancel(servetest.Context(t))
	defer stop()
	elections := v3electionpb.NewElectionClient(node.Conn)
	lease, err := node.Client(t).Grant(ctx, 60)
	if err != nil {
		t.Fatal(err)
	}
	name := []byte("election")
	observer, err := elections.Observe(ctx, &v3electionpb.LeaderRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	won, err := elections.Campaign(ctx, &v3electionpb.CampaignRequest{Name: name, Lease: int64(lease.ID), Value: []byte("first")})
	if err != nil {
		t.Fatalf("campaign: %v", err)
	}
	wantLeader(t, observer.Recv, "first")
	if _, err := elections.Proclaim(ctx, &v3electionpb.ProclaimRequest{Leader: won.Leader, Value: []byte("second")}); err != nil {
		t.Fatalf("proclaim: %v", err)
	}
	wantLeader(t, observer.Recv, "second")
	wantLeader(t, func() (*v3electionpb.LeaderResponse, error) {
		return elections.Leader(ctx, &v3electionpb.LeaderRequest{Name: name})
	}, "second")
	if _, err := elections.Resign(ctx, &v3electionpb.ResignRequest{Leader: won.Leader}); err != nil {
		t.Fatalf("resign: %v", err)
	}
	_, err = elections.Leader(ctx, &v3electionpb.LeaderRequest{Name: name})
	if status.Convert(err).Message() != concurrency.ErrElectionNoLeader.Error() {
		t.Errorf("leader after resigning: %v", err)
	}
	stop()
	if _, err := observer.Recv(); status.Code(err) != codes.Canceled {
		t.Errorf("the observer ended with %v", err)
	}
}

func wantLeader(t *testing.T, ask func() (*v3electionpb.LeaderResponse, error), want string) {
	t.Helper()
	got, err := ask()
	if err != nil || string(got.Kv.GetValue()) != want {
		t.Fatalf("leader is %v, %v, want %s", got, err, want)
	}
}

// Stopping does not wait for locks that nobody lets go of.
func TestStopEndsWaitingLocks(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	locks := v3lockpb.NewLockClient(node.Conn)
	if _, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock")}); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		_, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("lock")})
		gone <- err
	}()
	awaitContenders(t, client, "lock/", 2)
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if err := node.Stop(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("stop: %v", err)
	}
	if err := <-gone; err == nil {
		t.Error("the lock was had by two")
	}
}

// grpcurl and its like find out what is served, unless that is switched off.
func TestReflection(t *testing.T) {
	for _, on := range []bool{true, false} {
		cfg := servetest.Config(t)
		cfg.EnableGRPCReflection = on
		node, ctx := servetest.Start(t, cfg, serve.Seams{}), servetest.Context(t)
		names, err := reflectedServices(ctx, node)
		if !on {
			if status.Code(err) != codes.Unimplemented {
				t.Errorf("switched off: %v, %v", names, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("list services: %v", err)
		}
		for _, want := range []string{"etcdserverpb.KV", "etcdserverpb.Watch", "v3lockpb.Lock", "grpc.health.v1.Health"} {
			if !names[want] {
				t.Errorf("%s is not listed", want)
			}
		}
	}
}

func reflectedServices(ctx context.Context, node *servetest.Node) (map[string]bool, error) {
	stream, err := reflectionpb.NewServerReflectionClient(node.Conn).ServerReflectionInfo(ctx)
	if err != nil {
		return nil, err
	}
	err = stream.Send(&reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	})
	if err != nil {
		return nil, err
	}
	resp, err := stream.Recv()
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool)
	for _, s := range resp.GetListServicesResponse().GetService() {
		names[s.Name] = true
	}
	return names, nil
}
