package etcdserver

import (
	"errors"
	"fmt"
	"os"

	berrors "go.etcd.io/bbolt/errors"
)

// Errors with which NewServer refuses a data directory. They are wrapped in errors
// with the details; compare with errors.Is. Requests return the errors of
// go.etcd.io/etcd/server/v3/etcdserver/errors, with etcd's texts.
var (
	// ErrDataDirNotWritable is returned when the data directory cannot be
	// created or written.
	ErrDataDirNotWritable = errors.New("data directory is not writable")

	// ErrDataDirLocked is returned when another process has the data directory
	// open.
	ErrDataDirLocked = errors.New("data directory is in use by another process")

	// ErrOtherCluster is returned when the cluster ID in the log differs from the
	// one that the configured token and peer URLs make.
	ErrOtherCluster = errors.New("data directory belongs to another cluster")

	// ErrOtherMember is returned when the log or the membership in the backend
	// names another member than the configuration.
	ErrOtherMember = errors.New("data directory belongs to another member")

	// ErrWALBehind is returned when the write-ahead log ends before the last
	// entry that the backend has applied. New entries would get indexes at which
	// the backend has applied other entries, so they would never be applied.
	ErrWALBehind = errors.New("write-ahead log ends before the backend's consistent index")

	// ErrWALCorrupt is returned when the write-ahead log cannot be read, for
	// example because a record does not match its checksum. Only a torn last
	// record is repaired.
	ErrWALCorrupt = errors.New("write-ahead log is corrupt")

	// ErrBackendMissing is returned when the backend has not applied the entries
	// up to the snapshot at which the log starts.
	ErrBackendMissing = errors.New("backend is missing or older than the snapshot")

	// ErrAuthEnabled is returned when authentication is enabled in the data
	// directory. This server would let everybody read it.
	ErrAuthEnabled = errors.New("data directory has authentication enabled, which is not supported")

	// ErrSingleMemberOnly is returned when the configuration or the data
	// directory describes more than one member, or asks to join an existing
	// cluster: there is no transport between members.
	ErrSingleMemberOnly = errors.New("only clusters of one member are supported")
)

// Errors of an incomplete configuration.
var (
	errNoDataDir = errors.New("no data directory given")
	errNotNamed  = errors.New("it does not name this member")
)

// check returns an error for a data directory with which the member would reach a
// wrong state, or hang without saying why.
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

// checkIndexes compares the indexes of log, snapshot and backend:
//
//	snapshot <= backend's consistent index <= end of the log
//	commit index of the hard state         <= end of the log
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

// checkIdentity compares the identity in the log with the configured one. With the
// wrong one, the server would overwrite another member's name and URLs.
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
	// The IDs do not depend on the name, which is unknown until it is published.
	m := b.cluster.cl.Member(meta.memberID)
	if m != nil && m.Name != "" && m.Name != cfg.Name {
		return fmt.Errorf("%w: it is that of %q, the configured name is %q", ErrOtherMember, m.Name, cfg.Name)
	}
	return nil
}

// openErr wraps err in the error of this package that it means, if there is one.
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
