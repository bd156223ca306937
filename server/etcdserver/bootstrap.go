package etcdserver

import (
	"fmt"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.uber.org/zap"
)

// bootstrapped is a data directory that has been opened and found fit to serve.
type bootstrapped struct {
	ss      *snap.Snapshotter
	backend *bootstrappedBackend
	wal     *bootstrappedWAL
	cluster *bootstrappedCluster
	raft    *bootstrappedRaft
}

// bootstrap opens the data directory, or creates what is missing in it. The
// order matters: the backend's lock keeps another process out before anything
// is changed, and everything is checked before a log is created.
//
// It stands for etcdserver.bootstrap.
func bootstrap(cfg Config) (*bootstrapped, error) {
	b := &bootstrapped{}
	opened := false
	defer func() {
		if !opened {
			b.close()
		}
	}()
	if err := checkConfig(&cfg); err != nil {
		return nil, err
	}
	var err error
	if b.ss, err = openDirs(&cfg); err != nil {
		return nil, err
	}
	b.backend = openBackend(&cfg)
	if wal.Exist(cfg.walDir()) {
		err = b.restart(&cfg)
	} else {
		err = b.startNew(&cfg)
	}
	if err != nil {
		return nil, err
	}
	cfg.Logger.Info("opened data directory",
		zap.String("data-dir", cfg.DataDir),
		zap.Bool("new", !b.wal.haveWAL),
		zap.Stringer("local-member-id", b.cluster.memberID),
		zap.Stringer("cluster-id", b.cluster.cl.ID()),
		zap.Uint64("consistent-index", b.backend.ci.ConsistentIndex()))
	opened = true
	return b, nil
}

// startNew creates a member of a new cluster.
func (b *bootstrapped) startNew(cfg *Config) (err error) {
	if !cfg.NewCluster {
		return fmt.Errorf("join an existing cluster: %w", ErrSingleMemberOnly)
	}
	if b.cluster, err = newCluster(cfg); err != nil {
		return err
	}
	b.wal = &bootstrappedWAL{}
	if err := b.check(cfg); err != nil {
		return err
	}
	if err := b.wal.create(cfg, b.cluster); err != nil {
		return err
	}
	b.cluster.attach(cfg.Logger, b.backend.be)
	b.raft, err = newRaftFromCluster(cfg, b.cluster)
	return err
}

// restart opens a member that has run before.
func (b *bootstrapped) restart(cfg *Config) (err error) {
	if b.wal, err = openWAL(cfg); err != nil {
		return err
	}
	if b.wal.isBlank() {
		return b.startAgain(cfg)
	}
	b.cluster = clusterFromWAL(cfg, b.wal.meta)
	b.cluster.attach(cfg.Logger, b.backend.be)
	b.cluster.cl.Recover(ignoreVersion)
	if err := b.check(cfg); err != nil {
		return err
	}
	b.raft, err = newRaftFromWAL(cfg, b.cluster, b.wal)
	return err
}

// startAgain opens a member that stopped after its log was created and before
// the first entry was in it. The entries that add the members are still to be
// made; without them nobody could ever be elected.
func (b *bootstrapped) startAgain(cfg *Config) (err error) {
	if b.cluster, err = newCluster(cfg); err != nil {
		return err
	}
	if err := b.check(cfg); err != nil {
		return err
	}
	b.cluster.attach(cfg.Logger, b.backend.be)
	b.raft, err = newRaftFromCluster(cfg, b.cluster)
	return err
}

// storage returns the Storage over what was opened.
func (b *bootstrapped) storage() Storage { return &walStorage{w: b.wal.w, ss: b.ss} }

// close gives the files back after an error, which is the one to report. It
// takes a bootstrapped that is only half built.
func (b *bootstrapped) close() {
	if b.wal != nil && b.wal.w != nil {
		_ = b.wal.w.Close()
	}
	if b.backend != nil {
		_ = b.backend.be.Close()
	}
}

// checkConfig returns an error for a configuration that fits no data directory.
func checkConfig(cfg *Config) error {
	if cfg.DataDir == "" {
		return errNoDataDir
	}
	peers := cfg.InitialPeerURLsMap
	if len(peers) > 1 {
		return fmt.Errorf("initial cluster of %d members: %w", len(peers), ErrSingleMemberOnly)
	}
	if _, ok := peers[cfg.Name]; !ok && len(peers) > 0 {
		return fmt.Errorf("initial cluster %q: %w: %q", peers.String(), errNotNamed, cfg.Name)
	}
	return nil
}

// openDirs creates the directories and removes what a crash may have left half
// written in them.
func openDirs(cfg *Config) (*snap.Snapshotter, error) {
	for _, dir := range []string{cfg.DataDir, cfg.memberDir(), cfg.snapDir()} {
		if err := fileutil.TouchDirAll(cfg.Logger, dir); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDataDirNotWritable, err)
		}
	}
	isTemp := func(name string) bool { return strings.HasPrefix(name, "tmp") }
	if err := fileutil.RemoveMatchFile(cfg.Logger, cfg.snapDir(), isTemp); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDirNotWritable, err)
	}
	return snap.New(cfg.Logger, cfg.snapDir()), nil
}
