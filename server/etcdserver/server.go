package etcdserver

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/pkg/v3/idutil"
	"go.etcd.io/etcd/pkg/v3/notify"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/auth"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3alarm"
	"go.etcd.io/etcd/server/v3/etcdserver/cindex"
	"go.etcd.io/etcd/server/v3/lease"
	serverstorage "go.etcd.io/etcd/server/v3/storage"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/etcd/server/v3/storage/schema"
	"go.uber.org/zap"
)

// EtcdServer is one member. NewServer opens it, Start runs it, Stop or HardStop
// ends it. The methods that take requests may be called concurrently once
// ReadyNotify is closed.
type EtcdServer struct {
	// The raft loop writes committedIndex and lead, the apply goroutine writes
	// appliedIndex and term; any goroutine reads them.
	appliedIndex   atomic.Uint64
	committedIndex atomic.Uint64
	term           atomic.Uint64
	lead           atomic.Uint64
	// leadElectedNano is the time at which this member last became leader, in
	// Unix nanoseconds.
	leadElectedNano atomic.Int64
	counters        counters

	cfg      Config
	lg       *zap.Logger
	memberID types.ID
	cluster  *membership.RaftCluster

	path path
	r    *raftNode

	// Requests wait in w for the result of their entry, and in applyWait for an
	// index to be applied.
	w         wait.Wait
	applyWait wait.WaitTime
	read      readLoop
	requests  *drain
	reqIDGen  *idutil.Generator

	be           backend.Backend
	beHooks      *serverstorage.BackendHooks
	consistIndex cindex.ConsistentIndexer
	kv           mvcc.WatchableKV
	lessor       lease.Lessor
	alarmStore   *v3alarm.AlarmStore
	authStore    auth.AuthStore
	quota        serverstorage.Quota
	// progress belongs to the apply goroutine.
	progress etcdProgress

	leaderChanged         *notify.Notifier
	firstCommitInTerm     *notify.Notifier
	clusterVersionChanged *notify.Notifier

	life lifecycle
}

// lifecycle is what starting and stopping need.
type lifecycle struct {
	failure *failure

	started  atomic.Bool
	readych  chan struct{}
	stopOnce sync.Once
	stop     chan struct{} // closed to ask the member to stop
	stopping chan struct{} // closed when the shutdown begins
	done     chan struct{} // closed when all goroutines have ended

	// ctx is for the member's own requests. It ends when stopping is closed.
	ctx    context.Context
	cancel context.CancelFunc

	// wgMu keeps goAttach from adding to wg while shutdown waits for it.
	wgMu sync.RWMutex
	wg   sync.WaitGroup
}

// NewServer opens the data directory, or creates it, and returns a member that
// has not started yet. If this member must not serve the directory, the error
// wraps one of the Err values of refusal.go. The caller must call Stop or
// HardStop on the server, even if it never called Start.
//
// Upstream: etcdserver.NewServer.
func NewServer(cfg Config, seams Seams) (*EtcdServer, error) {
	cfg = cfg.withDefaults()
	f := newFailure()
	// If etcd's packages cannot go on after an error, they log it as fatal.
	cfg.Logger = f.guard(cfg.Logger)
	s, err := run(f, func() (*EtcdServer, error) {
		b, err := bootstrap(cfg)
		if err != nil {
			return nil, err
		}
		opened := false
		defer func() {
			if !opened {
				b.close()
			}
		}()
		s, err := newServer(cfg, seams, b, f)
		opened = err == nil
		return s, err
	})
	if err != nil {
		return nil, openErr(&cfg, err)
	}
	return s, nil
}

func newServer(cfg Config, seams Seams, b *bootstrapped, f *failure) (*EtcdServer, error) {
	s := &EtcdServer{
		cfg:          cfg,
		lg:           cfg.Logger,
		memberID:     b.cluster.memberID,
		cluster:      b.cluster.cl,
		w:            wait.New(),
		applyWait:    wait.NewTimeList(),
		requests:     newDrain(),
		reqIDGen:     idutil.NewGenerator(uint16(b.cluster.memberID), time.Now()),
		be:           b.backend.be,
		beHooks:      b.backend.hooks,
		consistIndex: b.backend.ci,
		quota:        serverstorage.NewBackendQuota(cfg.Logger, cfg.QuotaBackendBytes, b.backend.be, "apply"),

		leaderChanged:         notify.NewNotifier(),
		firstCommitInTerm:     notify.NewNotifier(),
		clusterVersionChanged: notify.NewNotifier(),

		life: newLifecycle(f),
	}
	s.read.init()
	s.cluster.SetVersionChangedNotifier(s.clusterVersionChanged)
	var err error
	if s.alarmStore, err = v3alarm.NewAlarmStore(s.lg, schema.NewAlarmBackend(s.lg, s.be)); err != nil {
		return nil, err
	}
	if err := s.openStores(); err != nil {
		return nil, err
	}
	s.r = newRaftNode(s.lg, s, b.raft.storage, cfg.heartbeat())
	if s.progress, err = newProgress(b.raft.storage); err != nil {
		return nil, err
	}
	s.wire(seams, b.raft.startNode(), b.storage())
	return s, nil
}

// openStores opens the lessor, the store, and the users and roles, all of which
// are kept in the backend. The lessor comes first, because the store attaches
// keys to their leases while it loads.
func (s *EtcdServer) openStores() error {
	minTTL := time.Duration(3*s.cfg.ElectionTicks/2) * s.cfg.heartbeat()
	s.lessor = lease.NewLessor(s.lg, s.be, s.cluster, lease.LessorConfig{
		MinLeaseTTL:                int64(math.Ceil(minTTL.Seconds())),
		ExpiredLeasesRetryInterval: s.cfg.ReqTimeout(),
	})
	s.kv = mvcc.New(s.lg, s.be, s.lessor, mvcc.StoreConfig{})
	if err := s.openAuth(); err != nil {
		return err
	}
	// From here on a write advances the consistent index in its own transaction:
	// after a crash the backend has both or neither.
	s.be.SetTxPostLockInsideApplyHook(s.advanceConsistentIndex)
	return nil
}

// advanceConsistentIndex moves the consistent index to the entry that is being
// applied. The backend calls it on the apply goroutine, under the backend's lock.
func (s *EtcdServer) advanceConsistentIndex() {
	index, term := s.consistIndex.ConsistentApplyingIndex()
	if index > s.consistIndex.UnsafeConsistentIndex() {
		s.consistIndex.SetConsistentIndex(index, term)
	}
}
