package etcdserver

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/membershippb"
	"go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// monitorVersionInterval is how often versions are compared. Some events cause an
// earlier comparison.
const monitorVersionInterval = 4 * time.Second

// monitorVersions keeps two versions up to date until the member stops: the
// cluster's version, which the leader proposes, and the version of the backend's
// layout, which each member changes on its own. etcd's package version computes both. A
// downgrade lowers both.
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

// migrateStorage changes the backend's layout to that of another release. It returns
// an error for an older release that does not understand all entries in the log.
func (s *EtcdServer) migrateStorage(target semver.Version) error {
	var logged wal.Version // needed only for an older release
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

// ignoreVersion is called when the cluster's version changes. etcd enables API
// capabilities then; this server has none to enable.
func ignoreVersion(*zap.Logger, *semver.Version) {}

// Downgrade prepares the cluster for an older release: it validates a target
// version, enables the downgrade or cancels it. It returns the cluster's version, or
// ErrWrongDowngradeVersionFormat, ErrClusterVersionUnavailable or an error of etcd's
// package version.
func (s *EtcdServer) Downgrade(ctx context.Context, r *pb.DowngradeRequest) (*pb.DowngradeResponse, error) {
	var err error
	manager := serverversion.NewManager(s.lg, serverVersionAdapter{s})
	switch r.Action {
	case pb.DowngradeRequest_VALIDATE:
		err = s.checkDowngrade(ctx, r.Version, manager.DowngradeValidate)
	case pb.DowngradeRequest_ENABLE:
		err = s.checkDowngrade(ctx, r.Version, manager.DowngradeEnable)
	case pb.DowngradeRequest_CANCEL:
		// As in etcd, a failed cancellation is logged and not returned.
		if cerr := manager.DowngradeCancel(ctx); cerr != nil {
			s.lg.Warn("cancel downgrade", zap.Error(cerr))
		}
	default:
		err = errors.ErrUnknownMethod
	}
	if err != nil {
		return nil, err
	}
	return &pb.DowngradeResponse{Version: version.Cluster(s.cluster.Version().String())}, nil
}

// checkDowngrade parses the target version and calls act with it.
func (s *EtcdServer) checkDowngrade(
	ctx context.Context, target string, act func(context.Context, *semver.Version) error,
) error {
	v, err := convertToClusterVersion(target)
	if err != nil {
		return err
	}
	if s.cluster.Version() == nil {
		return errors.ErrClusterVersionUnavailable
	}
	return act(ctx, v)
}

// convertToClusterVersion parses "3.6" or "3.6.1" and returns it without the patch
// version. It returns ErrWrongDowngradeVersionFormat for other texts.
func convertToClusterVersion(text string) (*semver.Version, error) {
	v, err := semver.NewVersion(text)
	if err != nil {
		v, err = semver.NewVersion(text + ".0")
	}
	if err != nil {
		return nil, errors.ErrWrongDowngradeVersionFormat
	}
	return &semver.Version{Major: v.Major, Minor: v.Minor}, nil
}

// serverVersionAdapter is the server as etcd's package version sees it. Upstream has
// a type of the same name.
type serverVersionAdapter struct{ *EtcdServer }

var _ serverversion.Server = serverVersionAdapter{}

func (s serverVersionAdapter) GetClusterVersion() *semver.Version { return s.cluster.Version() }

// GetStorageVersion commits first. If the backend has no version yet, it is derived
// from the term of the consistent index, which is written only by a commit.
func (s serverVersionAdapter) GetStorageVersion() *semver.Version {
	s.be.ForceCommit()
	return s.StorageVersion()
}

func (s serverVersionAdapter) GetDowngradeInfo() *serverversion.DowngradeInfo {
	return s.cluster.DowngradeInfo()
}

// GetMembersVersions returns the versions of this member alone. The other members
// would have to be asked over a transport.
func (s serverVersionAdapter) GetMembersVersions() map[string]*version.Versions {
	cluster := "not_decided"
	if v := s.cluster.Version(); v != nil {
		cluster = v.String()
	}
	return map[string]*version.Versions{s.memberID.String(): {Server: version.Version, Cluster: cluster}}
}

func (s serverVersionAdapter) LinearizableReadNotify(ctx context.Context) error {
	return s.linearizableReadNotify(ctx)
}

func (s serverVersionAdapter) UpdateClusterVersion(v string) {
	req := &membershippb.ClusterVersionSetRequest{Ver: v}
	if err := s.proposeOwn(&pb.InternalRaftRequest{ClusterVersionSet: req}); err != nil {
		s.lg.Warn("set cluster version", zap.String("version", v), zap.Error(err))
	}
}

func (s serverVersionAdapter) UpdateStorageVersion(target semver.Version) error {
	return s.migrateStorage(target)
}

func (s serverVersionAdapter) DowngradeEnable(ctx context.Context, target *semver.Version) error {
	return s.setDowngradeInfo(ctx, &membershippb.DowngradeInfoSetRequest{Enabled: true, Ver: target.String()})
}

func (s serverVersionAdapter) DowngradeCancel(ctx context.Context) error {
	return s.setDowngradeInfo(ctx, &membershippb.DowngradeInfoSetRequest{})
}

func (s serverVersionAdapter) setDowngradeInfo(ctx context.Context, r *membershippb.DowngradeInfoSetRequest) error {
	_, err := s.path.raftRequest(ctx, &pb.InternalRaftRequest{DowngradeInfoSet: r})
	return err
}

// readWALVersion reads the log while the raft loop writes to it, and returns the
// oldest release that understands its entries. It may miss entries that are written
// while it reads. That is safe: they are written for the cluster's version, which has
// already been lowered.
func (s *EtcdServer) readWALVersion() (wal.Version, error) {
	marker, err := lastSnapshotMarker(&s.cfg)
	if err != nil {
		return nil, fmt.Errorf("read wal version: %w", err)
	}
	w, err := wal.OpenForRead(s.lg, s.cfg.walDir(), marker)
	if err != nil {
		return nil, fmt.Errorf("read wal version: %w", err)
	}
	// Close always returns an error for a log that is open only for reading.
	defer func() { _ = w.Close() }()
	v, err := wal.ReadWALVersion(w)
	if err != nil {
		return nil, fmt.Errorf("read wal version: %w", err)
	}
	return v, nil
}
