package etcdserver

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/api/snap"
	"go.etcd.io/etcd/server/v3/etcdserver/cindex"
	serverstorage "go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// bootstrapped is an open data directory that has passed all checks.
type bootstrapped struct {
	ss      *snap.Snapshotter
	backend *bootstrappedBackend
	wal     *bootstrappedWAL
	cluster *bootstrappedCluster
	raft    *bootstrappedRaft
}

// bootstrap opens the data directory and creates what is missing in it. The order
// matters: the backend's lock keeps other processes out before anything is changed,
// and all checks come before a log is created.
//
// Upstream: etcdserver.bootstrap.
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

// restart opens a member that has a log.
func (b *bootstrapped) restart(cfg *Config) (err error) {
	if b.wal, err = openWAL(cfg); err != nil {
		return err
	}
	if b.wal.isBlank() {
		return b.restartBlank(cfg)
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

// restartBlank opens a member that stopped after its log was created and before the
// first entry was written to it. It makes the entries that add the members, without
// which no leader could be elected.
func (b *bootstrapped) restartBlank(cfg *Config) (err error) {
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

// close closes the files after an error, even if not all of them are open. It
// returns no error, because the first error is the one to report.
func (b *bootstrapped) close() {
	if b.wal != nil && b.wal.w != nil {
		_ = b.wal.w.Close()
	}
	if b.backend != nil {
		_ = b.backend.be.Close()
	}
}

// checkConfig returns an error for a configuration that is wrong for any data
// directory.
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

// openDirs creates the directories and removes temporary files that a crash may
// have left in them.
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

// maxLearners is etcd's default. It must be the same on every member, because it
// decides which changes of the membership are valid.
var maxLearners = membership.WithMaxLearners(membership.DefaultMaxLearners)

// bootstrappedCluster is the membership, and the ID of this member in it.
type bootstrappedCluster struct {
	cl       *membership.RaftCluster
	memberID types.ID
}

// newCluster makes the membership that the configuration describes. All IDs are
// hashes of the token and the peer URLs, so that every member of a new cluster
// computes the same IDs.
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

// attach makes the cluster keep its membership in the backend from now on.
func (c *bootstrappedCluster) attach(lg *zap.Logger, be backend.Backend) {
	c.cl.SetBackend(schema.NewMembershipBackend(lg, be))
}

// bootstrappedBackend is the database file and the index up to which the log
// has been applied to it.
type bootstrappedBackend struct {
	be    backend.Backend
	hooks *serverstorage.BackendHooks
	ci    cindex.ConsistentIndexer
}

// openBackend opens the database and thereby locks the data directory. If that
// fails it does not return: the backend logs the error as fatal (see guard).
func openBackend(cfg *Config) *bootstrappedBackend {
	b := &bootstrappedBackend{ci: cindex.NewConsistentIndex(nil)}
	b.hooks = serverstorage.NewBackendHooks(cfg.Logger, b.ci)
	b.be = backend.New(backendConfig(cfg, b.hooks))
	b.ci.SetBackend(b.be)
	schema.CreateMetaBucket(b.be.BatchTx())
	return b
}

func backendConfig(cfg *Config, hooks backend.Hooks) backend.BackendConfig {
	bcfg := backend.DefaultBackendConfig(cfg.Logger)
	bcfg.Path = cfg.backendPath()
	bcfg.Hooks = hooks
	// Without a timeout, the backend would wait for the file lock forever.
	bcfg.Timeout = lockTimeout
	if cfg.BackendBatchInterval != 0 {
		bcfg.BatchInterval = cfg.BackendBatchInterval
	}
	if cfg.BackendBatchLimit != 0 {
		bcfg.BatchLimit = cfg.BackendBatchLimit
	}
	if cfg.QuotaBackendBytes > 0 {
		// Leave a tenth above the quota, for the transactions that make room.
		bcfg.MmapSize = uint64(cfg.QuotaBackendBytes + cfg.QuotaBackendBytes/10)
	}
	return bcfg
}

// authEnabled reports whether authentication is enabled in the backend. It creates
// the bucket if it is missing.
func authEnabled(be backend.Backend) bool {
	tx := be.BatchTx()
	tx.LockOutsideApply()
	defer tx.Unlock()
	tx.UnsafeCreateBucket(schema.Auth)
	_, vals := tx.UnsafeRange(schema.Auth, schema.AuthEnabledKeyName, nil, 0)
	return len(vals) == 1 && len(vals[0]) == 1 && vals[0][0] == 1
}

// bootstrappedRaft is the state that raft starts from.
type bootstrappedRaft struct {
	config  *raft.Config
	peers   []raft.Peer // the members of a new cluster; empty on a restart
	storage *raft.MemoryStorage
}

// newRaftFromCluster returns the state of an empty log. The first entries that
// raft makes will add the members.
func newRaftFromCluster(cfg *Config, c *bootstrappedCluster) (*bootstrappedRaft, error) {
	b := &bootstrappedRaft{storage: raft.NewMemoryStorage()}
	for _, m := range c.cl.Members() {
		member, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encode member %s: %w", m.ID, err)
		}
		b.peers = append(b.peers, raft.Peer{ID: uint64(m.ID), Context: member})
	}
	b.config = raftConfig(cfg, c, b.storage)
	return b, nil
}

// newRaftFromWAL returns the state that the log contains. The members are those of
// the backend, as of the last applied entry: entries up to there are not applied
// again.
func newRaftFromWAL(cfg *Config, c *bootstrappedCluster, w *bootstrappedWAL) (*bootstrappedRaft, error) {
	b := &bootstrappedRaft{storage: raft.NewMemoryStorage()}
	// Apply the snapshot even if its index is 0: it carries the members.
	sn := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		Index:     new(w.snapshot.GetIndex()),
		Term:      new(w.snapshot.GetTerm()),
		ConfState: confState(c),
	}}
	if err := b.storage.ApplySnapshot(sn); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	if err := b.storage.SetHardState(w.st); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	if err := b.storage.Append(w.ents); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	b.config = raftConfig(cfg, c, b.storage)
	return b, nil
}

// confState returns the voters and learners of the cluster.
func confState(c *bootstrappedCluster) *raftpb.ConfState {
	cs := &raftpb.ConfState{}
	for _, m := range c.cl.Members() {
		if m.IsLearner {
			cs.Learners = append(cs.Learners, uint64(m.ID))
		} else {
			cs.Voters = append(cs.Voters, uint64(m.ID))
		}
	}
	return cs
}

func raftConfig(cfg *Config, c *bootstrappedCluster, st *raft.MemoryStorage) *raft.Config {
	return &raft.Config{
		ID:              uint64(c.memberID),
		ElectionTick:    cfg.ElectionTicks,
		HeartbeatTick:   1,
		Storage:         st,
		MaxSizePerMsg:   maxSizePerMsg,
		MaxInflightMsgs: maxInflightMsgs,
		CheckQuorum:     true,
		PreVote:         cfg.PreVote,
		Logger:          newRaftLogger(cfg.Logger),
	}
}

// startNode starts raft's goroutine. Raft does nothing before its first tick.
func (b *bootstrappedRaft) startNode() raft.Node {
	if len(b.peers) == 0 {
		return raft.RestartNode(b.config)
	}
	return raft.StartNode(b.config, b.peers)
}
