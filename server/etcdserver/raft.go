package etcdserver

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

const (
	// maxSizePerMsg and maxInflightMsgs bound what raft sends to one follower
	// before that has answered.
	maxSizePerMsg   = 1024 * 1024
	maxInflightMsgs = 4096 / 8

	// readStateTimeout is how long the raft loop waits for the read loop to
	// take an answer before it drops it; the read loop asks again.
	readStateTimeout = time.Second
)

// errRaftStopping ends the raft loop without being a failure.
var errRaftStopping = errors.New("raft loop is stopping")

// raftReadyHandler is what the raft loop tells the server.
type raftReadyHandler interface {
	// updateLeadership is told of every change of raft's soft state.
	updateLeadership(lead uint64, isLeader bool)
	// updateCommittedIndex is told of the last committed entry of a Ready,
	// before that is applied.
	updateCommittedIndex(index uint64)
	// fail is told of an error that the member cannot survive.
	fail(err error)
}

// transporter sends raft's messages to the other members. Send must not block:
// a message may be lost, raft repeats itself.
type transporter interface {
	Send(msgs []*raftpb.Message)
	Stop()
}

// noTransport is the transport of a cluster of one, where there is nobody to
// send to. A transport over the network takes its place in a cluster of several.
type noTransport struct{}

func (noTransport) Send([]*raftpb.Message) {}
func (noTransport) Stop()                  {}

// toApply is what the raft loop hands to the apply goroutine for one Ready.
type toApply struct {
	entries []*raftpb.Entry
	// savedc is closed when the entries are on disk. Apply may run ahead of
	// that, for a quorum can commit what this member is still writing, but a
	// snapshot must not.
	savedc chan struct{}
	// appliedc is closed by apply when the entries change the membership, else
	// it is nil.
	appliedc chan struct{}
	// advancedc is closed when raft has been told of the Ready's end, if its
	// entries change the membership, else it is nil.
	advancedc chan struct{}
}

// raftNode is the raft loop and what it needs. Its fields are fixed once start
// has been called. It stands for etcdserver.raftNode.
type raftNode struct {
	raft.Node
	lg          *zap.Logger
	handler     raftReadyHandler
	raftStorage *raft.MemoryStorage
	storage     Storage
	transport   transporter
	ready       ReadyFunc // processReady inside its wrapper

	tickMu sync.Mutex // advanceTicks runs beside the loop
	ticker *time.Ticker
	isLead bool // belongs to the loop
	// latestTickTS is when the last tick was over, in Unix nanoseconds: a loop
	// that hangs in the disk does not tick.
	latestTickTS atomic.Int64

	applyc     chan *toApply
	readStateC chan raft.ReadState

	stopOnce  sync.Once
	closeOnce sync.Once
	stopped   chan struct{} // closed to end the loop
	done      chan struct{} // closed when node and storage are closed
}

func newRaftNode(lg *zap.Logger, h raftReadyHandler, st *raft.MemoryStorage, heartbeat time.Duration) *raftNode {
	return &raftNode{
		lg:          lg,
		handler:     h,
		raftStorage: st,
		transport:   noTransport{},
		ticker:      time.NewTicker(heartbeat),
		applyc:      make(chan *toApply),
		readStateC:  make(chan raft.ReadState, 1),
		stopped:     make(chan struct{}),
		done:        make(chan struct{}),
	}
}

// start is the raft loop. It runs until stop is called or a Ready cannot be
// made durable.
func (r *raftNode) start() {
	defer r.onStop()
	for {
		// Handlers that are about to propose go first, so that one fsync serves
		// them too. Where none are waiting for a processor, this costs nothing.
		runtime.Gosched()
		select {
		case <-r.ticker.C:
			r.tick()
		case rd := <-r.Ready():
			if err := r.ready(rd); err != nil {
				if !errors.Is(err, errRaftStopping) {
					r.handler.fail(err)
				}
				return
			}
		case <-r.stopped:
			return
		}
	}
}

func (r *raftNode) tick() {
	r.tickMu.Lock()
	r.Tick()
	r.latestTickTS.Store(time.Now().UnixNano())
	r.tickMu.Unlock()
}

// advanceTicks lets time pass for raft, to bring the first election forward.
func (r *raftNode) advanceTicks(ticks int) {
	for range ticks {
		r.tick()
	}
}

// stop ends the loop and returns when the log is closed.
func (r *raftNode) stop() {
	r.stopOnce.Do(func() { close(r.stopped) })
	<-r.done
}

// abandon tells the loop to end and closes the log without waiting for either
// the loop or raft: one of them may be what is stuck.
func (r *raftNode) abandon() {
	r.stopOnce.Do(func() { close(r.stopped) })
	r.closeStorage()
}

func (r *raftNode) onStop() {
	r.Stop()
	r.ticker.Stop()
	r.transport.Stop()
	r.closeStorage()
	close(r.done)
}

func (r *raftNode) closeStorage() {
	r.closeOnce.Do(func() {
		if err := r.storage.Close(); err != nil {
			r.lg.Warn("close raft storage", zap.Error(err))
		}
	})
}

// updateLeadership runs on the raft loop whenever raft's soft state changes.
func (s *EtcdServer) updateLeadership(lead uint64, isLeader bool) {
	before := s.lead.Swap(lead)
	newLeader := lead != raft.None && lead != before
	if !isLeader {
		// Only the leader decides that a lease has expired.
		s.lessor.Demote()
	} else if newLeader {
		s.leadElectedNano.Store(time.Now().UnixNano())
	}
	if newLeader {
		s.counters.leaderChanges.Add(1)
		s.leaderChanged.Notify()
	}
}

// updateCommittedIndex runs on the raft loop.
func (s *EtcdServer) updateCommittedIndex(index uint64) {
	if index > s.committedIndex.Load() {
		s.committedIndex.Store(index)
	}
}

// adjustTicks brings the first election of a single member forward: there is
// nobody whose heartbeat it could miss. It leaves the last tick to the clock.
func (s *EtcdServer) adjustTicks() {
	if len(s.cluster.VotingMembers()) != 1 {
		return
	}
	ticks := s.cfg.ElectionTicks - 1
	s.lg.Info("fast-forwarding election ticks of a single member",
		zap.Int("forward-ticks", ticks),
		zap.Duration("forward-duration", time.Duration(ticks)*s.cfg.heartbeat()))
	s.r.advanceTicks(ticks)
}

// raftLogger gives raft's log lines to zap. The two names are all that differs.
type raftLogger struct{ *zap.SugaredLogger }

func newRaftLogger(lg *zap.Logger) raftLogger {
	return raftLogger{lg.Named("raft").Sugar()}
}

// Warning stands for raft.Logger's method of that name.
func (l raftLogger) Warning(v ...any) { l.Warn(v...) }

// Warningf stands for raft.Logger's method of that name.
func (l raftLogger) Warningf(format string, v ...any) { l.Warnf(format, v...) }
