package etcdserver

import (
	"context"
	"encoding/binary"
	stderrors "errors"
	"sync"
	"time"

	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3"
	"go.uber.org/zap"
)

// readIndexRetryTime is how long an answer to a read index may take before it
// is asked for again.
const readIndexRetryTime = 500 * time.Millisecond

// readLoop is what readers and the read loop share.
type readLoop struct {
	mu sync.RWMutex
	// next is the round that readers join now; it has not begun.
	next *ReadRound
	// wakec wakes the loop; one token is enough for any number of readers.
	wakec chan struct{}
}

func (l *readLoop) init() {
	l.next = newReadRound(1)
	l.wakec = make(chan struct{}, 1)
}

// join returns the round that a reader who comes now belongs to.
func (l *readLoop) join() *ReadRound {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.next
}

// begin closes the current round to newcomers and returns it. Those who come
// later need a read index that is asked for later.
func (l *readLoop) begin() *ReadRound {
	l.mu.Lock()
	defer l.mu.Unlock()
	round := l.next
	l.next = newReadRound(round.Seq + 1)
	return round
}

// linearizableReadNotify returns nil when the caller may read the store and
// will find everything that was acknowledged before the call.
func (s *EtcdServer) linearizableReadNotify(ctx context.Context) error {
	return s.path.readNotify(ctx, s.read.join())
}

// readNotify is the plain ReadNotifyFunc.
func (s *EtcdServer) readNotify(ctx context.Context, round *ReadRound) error {
	select {
	case s.read.wakec <- struct{}{}:
	default:
	}
	select {
	case <-round.done:
		return round.err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}

// linearizableReadLoop serves one round after the other. While one is under
// way, readers gather for the next, so that the price of a read index is shared.
func (s *EtcdServer) linearizableReadLoop() {
	for {
		leaderChanged := s.leaderChanged.Receive()
		select {
		case <-leaderChanged:
			continue
		case <-s.read.wakec:
		case <-s.life.stopping:
			return
		}
		round := s.read.begin()
		round.leaderChanged = leaderChanged
		s.path.readRound(round)
	}
}

// readRound is the plain ReadRoundFunc.
func (s *EtcdServer) readRound(round *ReadRound) {
	index, err := s.path.readIndex(round)
	if err == nil && s.AppliedIndex() < index {
		err = s.path.waitApplied(round, index)
	}
	round.finish(err)
}

// waitApplied is the plain WaitAppliedFunc.
func (s *EtcdServer) waitApplied(_ *ReadRound, index uint64) error {
	select {
	case <-s.applyWait.Wait(index):
		return nil
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}

// requestCurrentIndex asks raft for an index that is committed now. raft answers
// through a Ready, after it has made sure that this member still leads. It asks
// again when no answer comes: a leader whose term is new does not know the
// commit index yet and stays silent.
func (s *EtcdServer) requestCurrentIndex(round *ReadRound) (uint64, error) {
	asked := make(map[uint64]struct{}, 1)
	retry := time.NewTimer(readIndexRetryTime)
	defer retry.Stop()
	timeout := time.NewTimer(s.path.reqTimeout())
	defer timeout.Stop()
	for {
		firstCommit := s.firstCommitInTerm.Receive()
		id := s.reqIDGen.Next()
		asked[id] = struct{}{}
		if err := s.sendReadIndex(id); err != nil {
			return 0, err
		}
		retry.Reset(readIndexRetryTime)
		index, err := s.awaitReadState(round, asked, firstCommit, retry.C, timeout.C)
		if !stderrors.Is(err, errAskAgain) {
			return index, err
		}
	}
}

// errAskAgain is an answer of awaitReadState.
var errAskAgain = stderrors.New("ask for the read index again")

// awaitReadState waits for the answer to one of the questions asked.
func (s *EtcdServer) awaitReadState(
	round *ReadRound, asked map[uint64]struct{}, firstCommit <-chan struct{}, retry, timeout <-chan time.Time,
) (uint64, error) {
	for {
		select {
		case rs := <-s.r.readStateC:
			select {
			case <-round.leaderChanged:
				return 0, errors.ErrLeaderChanged
			default:
			}
			if _, ok := asked[readStateID(rs)]; ok {
				return rs.Index, nil
			}
			// An answer to a round that has timed out.
		case <-round.leaderChanged:
			return 0, errors.ErrLeaderChanged
		case <-firstCommit:
			return 0, errAskAgain
		case <-retry:
			s.lg.Warn("read index takes too long, asking again", zap.Duration("retry-timeout", readIndexRetryTime))
			return 0, errAskAgain
		case <-timeout:
			return 0, errors.ErrTimeout
		case <-s.life.stopping:
			return 0, errors.ErrStopped
		}
	}
}

func (s *EtcdServer) sendReadIndex(id uint64) error {
	ctx, cancel := context.WithTimeout(s.life.ctx, s.cfg.ReqTimeout())
	defer cancel()
	err := s.r.ReadIndex(ctx, binary.BigEndian.AppendUint64(nil, id))
	switch {
	case err == nil:
		return nil
	case stderrors.Is(err, raft.ErrStopped), s.life.ctx.Err() != nil:
		return errors.ErrStopped
	default:
		s.lg.Warn("read index", zap.Error(err))
		return err
	}
}

// readStateID returns the ID of the question that rs answers.
func readStateID(rs raft.ReadState) uint64 {
	if len(rs.RequestCtx) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(rs.RequestCtx)
}

// ReadRound is one turn of the read loop: a single read index that serves every
// reader who joined before it began. It stands for the notifier that etcd's
// read loop swaps.
type ReadRound struct {
	// Seq is the round's ordinal, from 1.
	Seq uint64

	done chan struct{} // closed when the round is over
	err  error         // read only after done is closed

	// leaderChanged is taken before the round starts, so that no change of
	// leader can slip between the start and the read index.
	leaderChanged <-chan struct{}
}

func newReadRound(seq uint64) *ReadRound {
	return &ReadRound{Seq: seq, done: make(chan struct{})}
}

// Done is closed when the round is over; Err may then be read.
func (r *ReadRound) Done() <-chan struct{} { return r.done }

// Err is nil when the members of the round may read. It must not be called
// before Done is closed.
func (r *ReadRound) Err() error { return r.err }

// finish releases everyone who joined. Only the read loop calls it, once.
func (r *ReadRound) finish(err error) {
	r.err = err
	close(r.done)
}
