package etcdserver

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"
	etcderrors "go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
)

// olderRelease is the one release that a cluster can be downgraded to.
func olderRelease() string {
	v := semver.New(version.Version)
	return fmt.Sprintf("%d.%d", v.Major, v.Minor-1)
}

// A downgrade is validated, switched on, seen in the cluster's version, and
// cancelled.
func TestDowngrade(t *testing.T) {
	s, ctx := startServer(t, testConfig(t, t.TempDir()), Seams{}), testContext(t)
	ask := func(action pb.DowngradeRequest_DowngradeAction, v string) error {
		_, err := s.Downgrade(ctx, &pb.DowngradeRequest{Action: action, Version: v})
		return err
	}
	wantErr(t, ask(pb.DowngradeRequest_VALIDATE, "old"), etcderrors.ErrWrongDowngradeVersionFormat)
	wantErr(t, ask(pb.DowngradeRequest_ENABLE, "2.0"), serverversion.ErrInvalidDowngradeTargetVersion)
	wantErr(t, ask(pb.DowngradeRequest_VALIDATE, olderRelease()), nil)
	if err := ask(pb.DowngradeRequest_ENABLE, olderRelease()); err != nil {
		t.Fatalf("enable: %v", err)
	}
	awaitClusterVersion(t, s, olderRelease()+".0")
	if err := ask(pb.DowngradeRequest_ENABLE, olderRelease()); err == nil {
		t.Error("a second downgrade was begun")
	}
	if err := ask(pb.DowngradeRequest_CANCEL, ""); err != nil {
		t.Fatalf("cancel: %v", err)
	}
	awaitClusterVersion(t, s, version.Cluster(version.Version)+".0")
	if s.DowngradeInfo().Enabled {
		t.Error("the downgrade is still on")
	}
}

// awaitClusterVersion returns when the cluster has the version.
func awaitClusterVersion(t *testing.T, s *EtcdServer, want string) {
	t.Helper()
	for ctx := testContext(t); ; {
		changed := s.clusterVersionChanged.Receive()
		if s.cluster.Version().String() == want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("cluster version is %s, want %s", s.cluster.Version(), want)
		}
	}
}

// The log of a member says which release can read it.
func TestLogKnowsItsRelease(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	put(t, s, "k", "v")
	v, err := s.readWALVersion()
	if err != nil {
		t.Fatal(err)
	}
	if minimal := v.MinimalEtcdVersion(); minimal == nil || semver.New(version.Version).LessThan(*minimal) {
		t.Errorf("the log needs %v, this is %s", minimal, version.Version)
	}
	if err := s.migrateStorage(semver.Version{Major: 3, Minor: 4}); err == nil || errors.Is(err, etcderrors.ErrStopped) {
		t.Errorf("migrated to a release that cannot read the log: %v", err)
	}
}
