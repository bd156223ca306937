package etcdserver

import (
	"time"

	"github.com/coreos/go-semver/semver"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// monitorVersionInterval is how often versions are compared when nothing
// happens.
const monitorVersionInterval = 4 * time.Second

// monitorVersions keeps two versions up to date: that of the cluster, which the
// leader proposes, and that of the backend's layout, which each member follows
// up with on its own. What they are to be is decided by etcd's package version;
// both go down when a downgrade is asked for.
func (s *EtcdServer) monitorVersions() {
	monitor := serverversion.NewMonitor(s.lg, serverVersionAdapter{s})
	ticker := time.NewTicker(monitorVersionInterval)
	defer ticker.Stop()
	for {
		firstCommit, changed := s.firstCommitInTerm.Receive(), s.clusterVersionChanged.Receive()
		if s.isLeader() {
			if err := monitor.UpdateClusterVersionIfNeeded(); err != nil {
				s.lg.Warn("update cluster version", zap.Error(err))
			}
			monitor.CancelDowngradeIfNeeded()
		}
		monitor.UpdateStorageVersionIfNeeded()
		select {
		case <-firstCommit:
		case <-changed:
		case <-ticker.C:
		case <-s.life.stopping:
			return
		}
	}
}

// migrateStorage gives the backend the layout of another release. It goes down
// only when nothing in the log is newer than that.
func (s *EtcdServer) migrateStorage(target semver.Version) error {
	var logged wal.Version // asked for only on the way down
	if current := s.StorageVersion(); current != nil && target.LessThan(*current) {
		var err error
		if logged, err = s.readWALVersion(); err != nil {
			return err
		}
	}
	tx := s.be.BatchTx()
	tx.LockOutsideApply()
	defer tx.Unlock()
	return schema.UnsafeMigrate(s.lg, tx, logged, target)
}

// ignoreVersion is called when the cluster's version changes; etcd switches API
// capabilities there, of which there are none here.
func ignoreVersion(*zap.Logger, *semver.Version) {}
