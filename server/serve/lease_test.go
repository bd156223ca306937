package serve_test

import (
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// A lease that nobody keeps alive expires: its keys are deleted, and those who
// watch them see it. One that is kept alive by the client lives on meanwhile.
func TestLeaseExpiryDeletesItsKeys(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	dying, err := client.Grant(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := client.Grant(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	alive, err := client.KeepAlive(ctx, kept.ID)
	if err != nil {
		t.Fatal(err)
	}
	watch := client.Watch(ctx, "", clientv3.WithPrefix(), clientv3.WithFilterPut(), clientv3.WithCreatedNotify())
	response(ctx, t, watch)
	mustPut(ctx, t, client, "kept", "v", clientv3.WithLease(kept.ID))
	mustPut(ctx, t, client, "dying", "v", clientv3.WithLease(dying.ID))

	if gone := events(ctx, t, watch, 1)[0]; string(gone.Kv.Key) != "dying" {
		t.Errorf("%q was deleted first", gone.Kv.Key)
	}
	for range 3 { // by then its first second is over
		if resp, open := <-alive; !open || resp.TTL != kept.TTL {
			t.Fatalf("keep-alive: %v, %v; want %d seconds", resp, open, kept.TTL)
		}
	}
	if resp, err := client.Get(ctx, "kept"); err != nil || len(resp.Kvs) != 1 {
		t.Errorf("the key of the lease that was kept alive: %v, %v", resp, err)
	}
	if resp, err := client.TimeToLive(ctx, dying.ID); err != nil || resp.TTL != -1 {
		t.Errorf("time to live of the expired lease: %v, %v; want -1", resp, err)
	}
}

// What there is to know about leases, and how a revoked one looks.
func TestLeaseTimeToLive(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	lease, err := client.Grant(ctx, 600)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "b"} {
		mustPut(ctx, t, client, key, "v", clientv3.WithLease(lease.ID))
	}
	plain, err := client.TimeToLive(ctx, lease.ID)
	if err != nil || plain.GrantedTTL != 600 || plain.TTL < 500 || plain.Keys != nil || plain.ResponseHeader.Revision != 3 {
		t.Errorf("time to live: %+v, %v", plain, err)
	}
	with, err := client.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys())
	if err != nil || len(with.Keys) != 2 {
		t.Errorf("with its keys: %+v, %v", with, err)
	}
	if all, err := client.Leases(ctx); err != nil || len(all.Leases) != 1 || all.Leases[0].ID != lease.ID {
		t.Errorf("leases: %v, %v", all, err)
	}

	if _, err := client.Revoke(ctx, lease.ID); err != nil {
		t.Fatal(err)
	}
	if all, err := client.Leases(ctx); err != nil || len(all.Leases) != 0 {
		t.Errorf("leases after the revoke: %v, %v", all, err)
	}
	if _, err := client.KeepAliveOnce(ctx, lease.ID); err != rpctypes.ErrLeaseNotFound { //nolint:errorlint // the library compares it so
		t.Errorf("keep-alive of a revoked lease: %v, want %v", err, rpctypes.ErrLeaseNotFound)
	}
}

// One keep-alive stream serves many leases, and answers for those that are not
// there with no time left.
func TestLeaseKeepAliveStream(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	lease, err := client.Grant(ctx, 60)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := pb.NewLeaseClient(node.Conn).LeaseKeepAlive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ id, ttl int64 }{{int64(lease.ID), 60}, {4711, 0}, {int64(lease.ID), 60}} {
		if err := stream.Send(&pb.LeaseKeepAliveRequest{ID: tc.id}); err != nil {
			t.Fatal(err)
		}
		resp, err := stream.Recv()
		if err != nil || resp.ID != tc.id || resp.TTL != tc.ttl || resp.Header.Revision != 1 {
			t.Errorf("keep-alive of %d: %v, %v; want %d seconds", tc.id, resp, err, tc.ttl)
		}
	}
	if err := node.Stop(ctx); err != nil {
		t.Errorf("stop with a stream open: %v", err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream outlived the server")
	}
}
