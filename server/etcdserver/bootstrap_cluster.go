package etcdserver

import (
	"fmt"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.uber.org/zap"
)

// maxLearners is etcd's default. It decides which changes of the membership are
// valid, so that it must be the same on every member.
var maxLearners = membership.WithMaxLearners(membership.DefaultMaxLearners)

// bootstrappedCluster is the membership and who of it we are.
type bootstrappedCluster struct {
	cl       *membership.RaftCluster
	memberID types.ID
}

// newCluster makes the membership that the configuration describes. All IDs
// follow from the token and the peer URLs, so that every member of a new cluster
// arrives at the same ones without asking.
func newCluster(cfg *Config) (*bootstrappedCluster, error) {
	cl, err := membership.NewClusterFromURLsMap(cfg.Logger, cfg.InitialClusterToken, cfg.InitialPeerURLsMap, maxLearners)
	if err != nil {
		return nil, fmt.Errorf("initial cluster: %w", err)
	}
	m := cl.MemberByName(cfg.Name)
	if m == nil {
		return nil, fmt.Errorf("initial cluster: %w: %q", errNotNamed, cfg.Name)
	}
	cl.SetID(m.ID, cl.ID())
	return &bootstrappedCluster{cl: cl, memberID: m.ID}, nil
}

// clusterFromWAL makes the membership of a restart: the IDs come from the log,
// the members from the backend.
func clusterFromWAL(cfg *Config, meta walMetadata) *bootstrappedCluster {
	cl := membership.NewCluster(cfg.Logger, maxLearners)
	cl.SetID(meta.memberID, meta.clusterID)
	return &bootstrappedCluster{cl: cl, memberID: meta.memberID}
}

// attach keeps the membership in the backend from now on.
func (c *bootstrappedCluster) attach(lg *zap.Logger, be backend.Backend) {
	c.cl.SetBackend(schema.NewMembershipBackend(lg, be))
}
