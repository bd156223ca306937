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

// readIndexRetryTime is how long raft may take to answer a read index before it
// is asked again.
const readIndexRetryTime = 500 * time.Millisecond

// ReadRound is one round of the read loop: a single read index that serves all
// readers that joined before the round began. Upstream: the notifier that the
// read loop swaps.
type ReadRound struct {
	// Seq is the round's ordinal, from 1.
	Seq uint64

	done chan struct{} // closed when the round is over
	err  error         // nil if its readers may read the store; read only after done is closed

	// leaderChanged is closed when the leader changes. The read loop fetches it before
	// the round begins, so that no change goes unnoticed.
	leaderChanged <-chan struct{}
}

func newReadRound(seq uint64) *ReadRound {
	return &ReadRound{Seq: seq, done: make(chan struct{})}
}

// finish releases all readers of the round. Only the read loop calls it, once.
func (r *ReadRound) finish(err error) {
	r.err = err
	close(r.done)
}

// readLoop is the state that readers and the read loop share.
type readLoop struct {
	mu sync.RWMutex
	// next is the round that readers join now; it has not begun.
	next *ReadRound
	// wakec wakes the loop. One token is enough for any number of readers.
	wakec chan struct{}
}

func (l *readLoop) init() {
	l.next = newReadRound(1)
	l.wakec = make(chan struct{}, 1)
}

// join returns the round that serves a reader that arrives now.
func (l *readLoop) join() *ReadRound {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.next
}

// begin returns the round that readers have joined so far, and opens the next
// one. A reader that arrives after this needs a read index that raft is asked for
// after its arrival, which this round does not give.
func (l *readLoop) begin() *ReadRound {
	l.mu.Lock()
	defer l.mu.Unlock()
	round := l.next
	l.next = newReadRound(round.Seq + 1)
	return round
}

// linearizableReadNotify waits until the store contains every write that was
// acknowledged before the call. It returns ErrLeaderChanged, ErrTimeout,
// ErrStopped or the context's error if the wait ends early.
func (s *EtcdServer) linearizableReadNotify(ctx context.Context) error {
	return s.path.readNotify(ctx, s.read.join())
}

// readNotify is the unwrapped ReadNotifyFunc. It wakes the read loop and waits for the
// end of the round.
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

// linearizableReadLoop serves one round at a time. While a round is under way,
// new readers join the next one, so that many readers share one read index.
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

// readRound is the unwrapped ReadRoundFunc. It gets a read index, waits until that index
// is applied, and ends the round.
func (s *EtcdServer) readRound(round *ReadRound) {
	index, err := s.path.readIndex(round)
	if err == nil && s.AppliedIndex() < index {
		err = s.path.waitApplied(round, index)
	}
	round.finish(err)
}

// waitApplied is the unwrapped WaitAppliedFunc. It waits until the entry at index is
// applied.
func (s *EtcdServer) waitApplied(_ *ReadRound, index uint64) error {
	select {
	case <-s.applyWait.Wait(index):
		return nil
	case <-s.life.stopping:
		return errors.ErrStopped
	}
}

// requestCurrentIndex returns the index that is committed now. Raft answers in a
// Ready, once it has made sure that this member still leads. If no answer comes,
// it is asked again: a new leader does not answer until it has committed an entry
// of its own term.
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

// errAskAgain is returned by awaitReadState if raft must be asked again.
var errAskAgain = stderrors.New("ask for the read index again")

// awaitReadState returns the index in raft's answer to any of the requests whose
// IDs are in asked. It returns errAskAgain on firstCommit and on retry.
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
			// The answer is for a round that has timed out.
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

// readStateID returns the ID of the request that rs answers, 0 if it has none.
func readStateID(rs raft.ReadState) uint64 {
	if len(rs.RequestCtx) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(rs.RequestCtx)
}
