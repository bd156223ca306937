package etcdserver

import (
	"context"
	stderrors "errors"
	"time"

	"github.com/coreos/go-semver/semver"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/membershippb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	serverversion "go.etcd.io/etcd/server/v3/etcdserver/version"
	"go.uber.org/zap"
)

// publish puts the member's name and client URLs into the cluster's membership,
// through raft, and declares the member ready. It tries until it succeeds.
func (s *EtcdServer) publish() {
	req := &membershippb.ClusterMemberAttrSetRequest{
		Member_ID: uint64(s.memberID),
		MemberAttributes: &membershippb.Attributes{
			Name:       s.cfg.Name,
			ClientUrls: s.cfg.ClientURLs.StringSlice(),
		},
	}
	for {
		err := s.proposeOwn(&pb.InternalRaftRequest{ClusterMemberAttrSet: req})
		switch {
		case err == nil:
			s.waitClusterVersion()
			return
		case stderrors.Is(err, errors.ErrStopped), s.life.ctx.Err() != nil:
			return
		default:
			s.lg.Warn("publish local member", zap.Error(err))
		}
		// A refusal may come at once, as long as a restart applies its log.
		select {
		case <-time.After(s.cfg.heartbeat()):
		case <-s.life.stopping:
			return
		}
	}
}

// waitClusterVersion closes readych when the cluster has a version: before, a
// member of an older release could not tell what it may be asked for.
func (s *EtcdServer) waitClusterVersion() {
	for {
		changed := s.clusterVersionChanged.Receive()
		if s.cluster.Version() != nil {
			s.lg.Info("published local member to cluster through raft",
				zap.Stringer("local-member-id", s.memberID),
				zap.String("name", s.cfg.Name),
				zap.Strings("client-urls", s.cfg.ClientURLs.StringSlice()),
				zap.Stringer("cluster-id", s.ClusterID()))
			close(s.life.readych)
			return
		}
		select {
		case <-changed:
		case <-s.life.stopping:
			return
		}
	}
}

// proposeOwn proposes a request of the member's own.
func (s *EtcdServer) proposeOwn(r *pb.InternalRaftRequest) error {
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.ReqTimeout())
	defer cancel()
	_, err := s.path.raftRequest(ctx, r)
	return err
}

// dispatchCluster executes what the log says about the cluster as a whole.
func (s *EtcdServer) dispatchCluster(r *pb.InternalRaftRequest) *Result {
	switch {
	case r.ClusterVersionSet != nil:
		v, err := semver.NewVersion(r.ClusterVersionSet.Ver)
		if err != nil {
			return &Result{Err: err}
		}
		s.cluster.SetVersion(v, ignoreVersion, membership.ApplyBoth)
	case r.ClusterMemberAttrSet != nil:
		set := r.ClusterMemberAttrSet
		s.cluster.UpdateAttributes(types.ID(set.Member_ID), membership.Attributes{
			Name:       set.MemberAttributes.Name,
			ClientURLs: set.MemberAttributes.ClientUrls,
		}, membership.ApplyBoth)
	case r.DowngradeInfoSet != nil:
		info := &serverversion.DowngradeInfo{Enabled: r.DowngradeInfoSet.Enabled}
		if info.Enabled {
			info.TargetVersion = r.DowngradeInfoSet.Ver
		}
		s.cluster.SetDowngradeInfo(info, membership.ApplyBoth)
	}
	return &Result{}
}
