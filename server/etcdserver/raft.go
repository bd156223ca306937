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
	// maxSizePerMsg, in bytes, and maxInflightMsgs bound what raft sends to a
	// follower before the follower answers.
	maxSizePerMsg   = 1024 * 1024
	maxInflightMsgs = 4096 / 8

	// readStateTimeout is how long the raft loop waits for the read loop to take
	// an answer. After that it drops the answer, and the read loop asks again.
	readStateTimeout = time.Second
)

// errRaftStopping ends the raft loop. It is not a failure of the member.
var errRaftStopping = errors.New("raft loop is stopping")

// raftReadyHandler is the server as the raft loop sees it. The loop calls all
// methods on its own goroutine, and they must not block.
type raftReadyHandler interface {
	// updateLeadership is called when raft's soft state changes. lead is
	// raft.None while there is no leader.
	updateLeadership(lead uint64, isLeader bool)
	// updateCommittedIndex is called with the index of the last committed entry
	// of a Ready, before the entry is applied.
	updateCommittedIndex(index uint64)
	// fail is called with an error after which the member cannot go on.
	fail(err error)
}

// transporter sends raft's messages to the other members. Send must not block.
// It may lose messages, for raft sends them again.
type transporter interface {
	Send(msgs []*raftpb.Message)
	Stop()
}

// noTransport is the transport of a cluster of one member: it drops all messages.
// A cluster of several would need a transport over the network here.
type noTransport struct{}

func (noTransport) Send([]*raftpb.Message) {}
func (noTransport) Stop()                  {}

// toApply is what the raft loop hands to the apply goroutine for one Ready.
type toApply struct {
	entries []*raftpb.Entry
	// savedc is closed by the raft loop when the Ready is saved. Entries may be
	// applied before that, because a quorum can commit what this member is still
	// writing. A snapshot must wait for it.
	savedc chan struct{}
	// appliedc is closed by the apply goroutine when the entries are applied. It
	// is nil unless they change the membership and this member does not lead.
	appliedc chan struct{}
	// advancedc is closed by the raft loop after Advance. It is nil unless the
	// entries change the membership.
	advancedc chan struct{}
}

// raftNode is the raft loop and its state. Its fields must not be changed once
// start has been called. Upstream: etcdserver.raftNode.
type raftNode struct {
	raft.Node
	lg          *zap.Logger
	handler     raftReadyHandler
	raftStorage *raft.MemoryStorage
	storage     Storage
	transport   transporter
	ready       ReadyFunc // processReady, in its wrapper if there is one

	tickMu sync.Mutex // held to tick, since advanceTicks runs beside the loop
	ticker *time.Ticker
	isLead bool // only for the loop
	// latestTickTS is the end of the last tick, in Unix nanoseconds. A loop that
	// waits for the disk does not tick.
	latestTickTS atomic.Int64

	applyc     chan *toApply       // to EtcdServer.run, unbuffered
	readStateC chan raft.ReadState // to the read loop, with room for one

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

// start is the raft loop. It returns when stop or abandon is called, and after it has
// called handler.fail because a Ready could not be made durable.
func (r *raftNode) start() {
	defer r.onStop()
	for {
		// Let handlers that are about to propose run first, so that the next fsync
		// serves them too. If none waits for a processor, this costs nothing.
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

// advanceTicks calls tick that many times, to bring the first election forward.
func (r *raftNode) advanceTicks(ticks int) {
	for range ticks {
		r.tick()
	}
}

// stop ends the loop and returns when raft has stopped and the log is closed.
func (r *raftNode) stop() {
	r.stopOnce.Do(func() { close(r.stopped) })
	<-r.done
}

// abandon tells the loop to end and closes the log. It does not wait for the loop
// or for raft, either of which may be stuck.
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

// updateLeadership implements raftReadyHandler.
func (s *EtcdServer) updateLeadership(lead uint64, isLeader bool) {
	before := s.lead.Swap(lead)
	newLeader := lead != raft.None && lead != before
	if !isLeader {
		// Only the leader lets leases expire.
		s.lessor.Demote()
	} else if newLeader {
		s.leadElectedNano.Store(time.Now().UnixNano())
	}
	if newLeader {
		s.counters.leaderChanges.Add(1)
		s.leaderChanged.Notify()
	}
}

// updateCommittedIndex implements raftReadyHandler.
func (s *EtcdServer) updateCommittedIndex(index uint64) {
	if index > s.committedIndex.Load() {
		s.committedIndex.Store(index)
	}
}

// adjustTicks brings the first election of a single member forward: it need not
// wait for another member's heartbeat. It leaves the last tick to the clock.
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

// raftLogger is a zap logger as raft's Logger, which has two other method names.
type raftLogger struct{ *zap.SugaredLogger }

func newRaftLogger(lg *zap.Logger) raftLogger {
	return raftLogger{lg.Named("raft").Sugar()}
}

// Warning implements raft.Logger.
func (l raftLogger) Warning(v ...any) { l.Warn(v...) }

// Warningf implements raft.Logger.
func (l raftLogger) Warningf(format string, v ...any) { l.Warnf(format, v...) }
