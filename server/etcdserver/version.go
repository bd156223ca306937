package etcdserver

import (
	"fmt"
	"time"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/membershippb"
	"go.etcd.io/etcd/api/v3/version"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.uber.org/zap"
)

// monitorVersionInterval is how often versions are compared when nothing
// happens.
const monitorVersionInterval = 4 * time.Second

// monitorVersions keeps two versions up to date: that of the cluster, which the
// leader proposes, and that of the backend's layout, which each member follows
// up with on its own.
func (s *EtcdServer) monitorVersions() {
	ticker := time.NewTicker(monitorVersionInterval)
	defer ticker.Stop()
	for {
		firstCommit, changed := s.firstCommitInTerm.Receive(), s.clusterVersionChanged.Receive()
		if s.isLeader() {
			s.updateClusterVersion()
		}
		s.updateStorageVersion()
		select {
		case <-firstCommit:
		case <-changed:
		case <-ticker.C:
		case <-s.life.stopping:
			return
		}
	}
}

// updateClusterVersion proposes the release that this server is compatible with
// when the cluster has none yet or an older one. In a cluster of several it would
// be the lowest of all members'.
func (s *EtcdServer) updateClusterVersion() {
	current, own := s.cluster.Version(), ownVersion()
	if current != nil {
		higher := current.LessThan(own) && serverversion.IsValidClusterVersionChange(current, &own)
		if !higher || s.cluster.DowngradeInfo().Enabled {
			return
		}
	}
	req := &membershippb.ClusterVersionSetRequest{Ver: own.String()}
	if err := s.proposeOwn(&pb.InternalRaftRequest{ClusterVersionSet: req}); err != nil {
		s.lg.Warn("set cluster version", zap.Error(err))
	}
}

// updateStorageVersion writes the cluster's version into the backend. It never
// goes down: that would need to know whether the log holds newer entries.
func (s *EtcdServer) updateStorageVersion() {
	cv := s.cluster.Version()
	if cv == nil || cv.String() == version.MinClusterVersion {
		return
	}
	target := semver.Version{Major: cv.Major, Minor: cv.Minor}
	if err := s.migrateStorage(target); err != nil {
		s.lg.Warn("update storage version", zap.Stringer("target", target), zap.Error(err))
	}
}

func (s *EtcdServer) migrateStorage(target semver.Version) error {
	if v := schema.ReadStorageVersion(s.be.ReadTx()); v != nil && !v.LessThan(target) {
		return nil
	}
	// The version of a backend that has none yet is told from the term of its
	// consistent index, which only a commit writes.
	s.be.ForceCommit()
	tx := s.be.BatchTx()
	tx.LockOutsideApply()
	defer tx.Unlock()
	current, err := schema.UnsafeDetectSchemaVersion(s.lg, tx)
	if err != nil {
		return fmt.Errorf("detect storage version: %w", err)
	}
	if !current.LessThan(target) {
		return nil
	}
	return schema.UnsafeMigrate(s.lg, tx, nil, target)
}

// ownVersion is the minor release whose formats this server writes.
func ownVersion() semver.Version {
	v := semver.New(version.Version)
	return semver.Version{Major: v.Major, Minor: v.Minor}
}

// ignoreVersion is called when the cluster's version changes; etcd switches API
// capabilities there, of which there are none here.
func ignoreVersion(*zap.Logger, *semver.Version) {}
