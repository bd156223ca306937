package serve_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/etcdserver"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// fill puts n keys of a kilobyte.
func fill(t *testing.T, client *clientv3.Client, n int) {
	t.Helper()
	ctx, value := servetest.Context(t), string(make([]byte, 1024))
	for i := range n {
		if _, err := client.Put(ctx, fmt.Sprintf("key-%04d", i), value); err != nil {
			t.Fatalf("put: %v", err)
		}
	}
}

// A snapshot is a database file followed by its checksum. The file opens and has
// the keys in it.
func TestSnapshotIsADatabase(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	fill(t, client, 100)
	snap, err := client.SnapshotWithVersion(ctx)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	all, err := io.ReadAll(snap.Snapshot)
	if err != nil {
		t.Fatalf("read snapshot: %v", err)
	}
	file, sum := all[:len(all)-sha256.Size], all[len(all)-sha256.Size:]
	if want := sha256.Sum256(file); !bytes.Equal(sum, want[:]) {
		t.Error("the checksum is not that of the file")
	}
	if snap.Version == "" {
		t.Error("the snapshot does not say which release can read it")
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("open snapshot: %v", err)
	}
	defer db.Close()
	err = db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			return err
		}
		if n := tx.Bucket([]byte("key")).Stats().KeyN; n != 100 {
			return fmt.Errorf("%d keys, want 100", n)
		}
		return nil
	})
	if err != nil {
		t.Errorf("the snapshot: %v", err)
	}
}

// A client that goes away while a snapshot is sent does not keep the file open:
// the node still stops.
func TestSnapshotIsGivenUp(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	fill(t, client, 200)
	impatient, giveUp := context.WithCancel(ctx)
	snap, err := client.SnapshotWithVersion(impatient)
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	giveUp()
	if _, err := io.ReadAll(snap.Snapshot); err == nil {
		t.Error("the snapshot came to its end")
	}
	if err := node.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// Defragmenting changes the file and not the keys.
func TestDefragmentKeepsTheKeys(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	fill(t, client, 500)
	deleted, err := client.Delete(ctx, "key-0", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Compact(ctx, deleted.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
	before, size := hashes(t, client, node.Endpoint())
	if _, err := client.Defragment(ctx, node.Endpoint()); err != nil {
		t.Fatalf("defragment: %v", err)
	}
	after, smaller := hashes(t, client, node.Endpoint())
	if before.Hash != after.Hash || before.HashRevision != after.HashRevision {
		t.Errorf("the keys' checksum was %v, is %v", before, after)
	}
	if smaller >= size {
		t.Errorf("the file had %d bytes, has %d", size, smaller)
	}
	_, err = client.HashKV(ctx, node.Endpoint(), deleted.Header.Revision+1000)
	if !errors.Is(err, rpctypes.ErrFutureRev) {
		t.Errorf("checksum of the future: %v", err)
	}
}

func hashes(t *testing.T, client *clientv3.Client, endpoint string) (*clientv3.HashKVResponse, int64) {
	t.Helper()
	ctx := servetest.Context(t)
	hash, err := client.HashKV(ctx, endpoint, 0)
	if err != nil {
		t.Fatalf("hashkv: %v", err)
	}
	st, err := client.Status(ctx, endpoint)
	if err != nil {
		t.Fatalf("status: %v", err)
	}
	return hash, st.DbSize
}

// A single member keeps itself, takes learners, and says what it cannot do.
func TestMembership(t *testing.T) {
	cfg := servetest.Config(t)
	node := servetest.Start(t, cfg, serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	list, err := client.MemberList(ctx)
	if err != nil || len(list.Members) != 1 {
		t.Fatalf("members: %v, %v", list, err)
	}
	self := list.Members[0].ID
	if _, err := client.MemberAdd(ctx, []string{"http://127.0.0.1:1"}); status.Code(err) != codes.Unimplemented {
		t.Errorf("add a voting member: %v", err)
	}
	if _, err := client.MemberRemove(ctx, self); !errors.Is(err, rpctypes.ErrMemberNotEnoughStarted) {
		t.Errorf("remove the only member: %v", err)
	}
	if _, err := client.MemberRemove(ctx, 4711); !errors.Is(err, rpctypes.ErrMemberNotFound) {
		t.Errorf("remove nobody: %v", err)
	}
	if _, err := client.MemberPromote(ctx, self); !errors.Is(err, rpctypes.ErrMemberNotLearner) {
		t.Errorf("promote the leader: %v", err)
	}
	if _, err := client.MoveLeader(ctx, 4711); !errors.Is(err, rpctypes.ErrBadLeaderTransferee) {
		t.Errorf("move the leadership to nobody: %v", err)
	}
	if _, err := client.MoveLeader(ctx, self); err != nil {
		t.Errorf("move the leadership to where it is: %v", err)
	}
	added, err := client.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:1"})
	if err != nil || len(added.Members) != 2 {
		t.Fatalf("add a learner: %v, %v", added, err)
	}
	if _, err := client.MemberPromote(ctx, added.Member.ID); !errors.Is(err, rpctypes.ErrMemberLearnerNotReady) {
		t.Errorf("promote a learner that was never there: %v", err)
	}
	// The cluster still works, and the directory can be opened again.
	if err := node.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	client = servetest.Start(t, cfg, serve.Seams{}).Client(t)
	if _, err := client.MemberUpdate(ctx, added.Member.ID, []string{"http://127.0.0.1:2"}); err != nil {
		t.Errorf("update the learner: %v", err)
	}
	removed, err := client.MemberRemove(ctx, added.Member.ID)
	if err != nil || len(removed.Members) != 1 {
		t.Errorf("remove the learner: %v, %v", removed, err)
	}
}

// Users and roles can be kept; protection is not promised.
func TestUsersAndRoles(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	client, ctx := node.Client(t), servetest.Context(t)
	steps := []struct {
		what string
		do   func() error
		want error
	}{
		{"enable without root", func() error { _, err := client.AuthEnable(ctx); return err }, rpctypes.ErrRootUserNotExist},
		{"add a role", func() error { _, err := client.RoleAdd(ctx, "reader"); return err }, nil},
		{"add it again", func() error { _, err := client.RoleAdd(ctx, "reader"); return err }, rpctypes.ErrRoleAlreadyExist},
		{"let it read", func() error {
			_, err := client.RoleGrantPermission(ctx, "reader", "a", "b", clientv3.PermissionType(clientv3.PermRead))
			return err
		}, nil},
		{"add a user", func() error { _, err := client.UserAdd(ctx, "ann", "secret"); return err }, nil},
		{"add her again", func() error { _, err := client.UserAdd(ctx, "ann", "secret"); return err }, rpctypes.ErrUserAlreadyExist},
		{"give her the role", func() error { _, err := client.UserGrantRole(ctx, "ann", "reader"); return err }, nil},
		{"give her another", func() error { _, err := client.UserGrantRole(ctx, "ann", "writer"); return err }, rpctypes.ErrRoleNotFound},
		{"change her password", func() error { _, err := client.UserChangePassword(ctx, "ann", "safer"); return err }, nil},
		{"log in", func() error { _, err := client.Authenticate(ctx, "ann", "safer"); return err }, rpctypes.ErrAuthNotEnabled},
		{"take the role", func() error { _, err := client.UserRevokeRole(ctx, "ann", "reader"); return err }, nil},
		{"take what cannot be read", func() error {
			_, err := client.RoleRevokePermission(ctx, "reader", "x", "y")
			return err
		}, rpctypes.ErrPermissionNotGranted},
		{"delete the role", func() error { _, err := client.RoleDelete(ctx, "reader"); return err }, nil},
		{"delete the user", func() error { _, err := client.UserDelete(ctx, "ann"); return err }, nil},
		{"ask for her", func() error { _, err := client.UserGet(ctx, "ann"); return err }, rpctypes.ErrUserNotFound},
		{"disable", func() error { _, err := client.AuthDisable(ctx); return err }, nil},
	}
	for _, step := range steps {
		if err := step.do(); !errors.Is(err, step.want) {
			t.Errorf("%s: %v, want %v", step.what, err, step.want)
		}
	}
	if st, err := client.AuthStatus(ctx); err != nil || st.Enabled || st.AuthRevision == 0 {
		t.Errorf("status: %v, %v", st, err)
	}
}

// With etcd's feature for it, health checks hear that a defragmentation is under
// way, and when it is over.
func TestHealthDuringDefragment(t *testing.T) {
	for _, on := range []bool{true, false} {
		cfg := servetest.Config(t)
		cfg.StopGRPCServiceOnDefrag = on
		begun, goOn := make(chan struct{}), make(chan struct{})
		var seams serve.Seams
		seams.Server.Maintenance.Defragment = func(next etcdserver.DefragmentFunc) etcdserver.DefragmentFunc {
			return func(ctx context.Context) error {
				close(begun)
				<-goOn
				return next(ctx)
			}
		}
		node, ctx := servetest.Start(t, cfg, seams), servetest.Context(t)
		client, done := node.Client(t), make(chan error, 1)
		go func() {
			_, err := client.Defragment(ctx, node.Endpoint())
			done <- err
		}()
		<-begun
		want := healthpb.HealthCheckResponse_SERVING
		if on {
			want = healthpb.HealthCheckResponse_NOT_SERVING
		}
		wantHealth(t, node, want)
		close(goOn)
		if err := <-done; err != nil {
			t.Errorf("defragment: %v", err)
		}
		wantHealth(t, node, healthpb.HealthCheckResponse_SERVING)
	}
}

func wantHealth(t *testing.T, node *servetest.Node, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	got, err := healthpb.NewHealthClient(node.Conn).Check(servetest.Context(t), &healthpb.HealthCheckRequest{})
	if err != nil || got.Status != want {
		t.Errorf("health: %v, %v, want %v", got, err, want)
	}
}
