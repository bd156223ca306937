package etcdserver

import (
	"errors"
	"fmt"
	"os"

	berrors "go.etcd.io/bbolt/errors"
)

// check refuses what would end in a wrong state, or in a member that hangs
// without a word.
func (b *bootstrapped) check(cfg *Config) error {
	if authEnabled(b.backend.be) {
		return ErrAuthEnabled
	}
	if n := len(b.cluster.cl.VotingMembers()); n > 1 {
		return fmt.Errorf("data directory of a cluster of %d voting members: %w", n, ErrSingleMemberOnly)
	}
	if err := b.checkIdentity(cfg); err != nil {
		return err
	}
	return b.checkIndexes(cfg)
}

// checkIndexes compares how far log, snapshot and backend have come. The backend
// may be behind the end of the log, which is then applied, and never ahead of it.
func (b *bootstrapped) checkIndexes(cfg *Config) error {
	applied, last, snap := b.backend.ci.ConsistentIndex(), b.wal.lastIndex(), b.wal.snapshot.GetIndex()
	if commit := b.wal.st.GetCommit(); commit > last {
		return fmt.Errorf("%w: %s ends at index %d, index %d is committed",
			ErrWALCorrupt, cfg.walDir(), last, commit)
	}
	if applied > last {
		return fmt.Errorf("%w: %s ends at index %d, %s has applied %d",
			ErrWALBehind, cfg.walDir(), last, cfg.backendPath(), applied)
	}
	if applied < snap {
		return fmt.Errorf("%w: %s has applied %d, the snapshot is at %d",
			ErrBackendMissing, cfg.backendPath(), applied, snap)
	}
	return nil
}

// checkIdentity compares the log with the configuration. Serving under a wrong
// identity would publish this configuration's name and URLs in another's place.
func (b *bootstrapped) checkIdentity(cfg *Config) error {
	if !b.wal.haveWAL || len(cfg.InitialPeerURLsMap) == 0 {
		return nil
	}
	want, err := newCluster(cfg)
	if err != nil {
		return err
	}
	meta := b.wal.meta
	if meta.clusterID != want.cl.ID() {
		return fmt.Errorf("%w: %s was written for cluster %s, the configured token and peer URLs make %s",
			ErrOtherCluster, cfg.walDir(), meta.clusterID, want.cl.ID())
	}
	if meta.memberID != want.memberID {
		return fmt.Errorf("%w: %s was written by member %s, the configuration makes %s",
			ErrOtherMember, cfg.walDir(), meta.memberID, want.memberID)
	}
	// The name has no part in the IDs. It is unknown until it is published.
	m := b.cluster.cl.Member(meta.memberID)
	if m != nil && m.Name != "" && m.Name != cfg.Name {
		return fmt.Errorf("%w: it is that of %q, the configured name is %q", ErrOtherMember, m.Name, cfg.Name)
	}
	return nil
}

// openErr finds the sentinel for an error that came from a part below.
func openErr(cfg *Config, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w: %s", ErrDataDirLocked, cfg.backendPath())
	case errors.Is(err, os.ErrPermission) && !errors.Is(err, ErrDataDirNotWritable):
		return fmt.Errorf("%w: %w", ErrDataDirNotWritable, err)
	default:
		return err
	}
}
