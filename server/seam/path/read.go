package path

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// readLoop observes the read loop and its readers. One round of the loop serves many
// readers. Both sides know the round's number, ReadRound.Seq, so a reader finds the stamps
// of the round that served it.
type readLoop struct {
	rounds  [roundSlots]atomic.Pointer[round]
	joined  [roundSlots]atomic.Int32 // recorded readers that wait for the round of this slot to begin
	holds   *hold.Holds
	waiting waitingReaders
}

// round is one round of the read loop, once it has begun.
type round struct {
	seq   uint64
	begin int64 // the stamp at which it began
	batch *record.Batch
}

// roundSlots is far above the two rounds that can be open at once, so that a reader that
// wakes late still finds its round.
const roundSlots = 256

// notify observes one reader, on its own goroutine: the wait for the round to begin, and
// the wake-up after the round. The round itself is stamped in the batch.
func (l *readLoop) notify(next etcdserver.ReadNotifyFunc) etcdserver.ReadNotifyFunc {
	return func(ctx context.Context, r *etcdserver.ReadRound) error {
		rec := record.FromContext(ctx)
		if rec == nil {
			return next(ctx, r)
		}
		l.joined[r.Seq%roundSlots].Add(1)
		l.holds.Reach(ctx, rec, stages.ReadWait)
		if l.holds.Active() {
			l.waiting.join(r.Seq, rec)
			defer l.waiting.leave(r.Seq, rec)
		}
		rec.Begin(stages.ReadWait)
		err := next(ctx, r)
		now := record.Now()
		served := l.rounds[r.Seq%roundSlots].Load()
		if served == nil || served.seq != r.Seq { // the reader gave up before the round began
			rec.EndAt(stages.ReadWait, now)
			return err
		}
		served.batch.Add(rec)
		rec.SetRound(served.batch)
		rec.EndAt(stages.ReadWait, served.begin)
		if released := served.batch.Released(); released != 0 {
			rec.BeginAt(stages.ReadRelease, released)
			rec.EndAt(stages.ReadRelease, now)
		}
		return err
	}
}

// spareLinks is how many readers a round can link besides those that had joined when it
// began: a reader may join between the count and the beginning of the round.
const spareLinks = 4

// round observes one round of the read loop, on the loop's goroutine.
func (l *readLoop) round(next etcdserver.ReadRoundFunc) etcdserver.ReadRoundFunc {
	return func(r *etcdserver.ReadRound) {
		slot := r.Seq % roundSlots
		readers := int(l.joined[slot].Swap(0))
		l.rounds[slot].Store(&round{
			seq: r.Seq, begin: record.Now(),
			batch: record.NewBatch(stages.ReadIndex, readers+spareLinks),
		})
		next(r)
	}
}

// batchOf returns the batch of a round that has begun.
func (l *readLoop) batchOf(r *etcdserver.ReadRound) *record.Batch {
	return l.rounds[r.Seq%roundSlots].Load().batch
}

// index observes the request for a read index, on the loop's goroutine.
func (l *readLoop) index(next etcdserver.ReadIndexFunc) etcdserver.ReadIndexFunc {
	return func(r *etcdserver.ReadRound) (uint64, error) {
		l.reach(r, stages.ReadIndex)
		batch := l.batchOf(r)
		batch.BeginAt(record.Now())
		index, err := next(r)
		batch.EndAt(record.Now())
		return index, err
	}
}

// waitApplied observes the wait until the read index is applied, on the loop's goroutine.
func (l *readLoop) waitApplied(next etcdserver.WaitAppliedFunc) etcdserver.WaitAppliedFunc {
	return func(r *etcdserver.ReadRound, index uint64) error {
		l.reach(r, stages.ReadWaitApplied)
		begin := record.Now()
		err := next(r, index)
		l.batchOf(r).SecondStageAt(begin, record.Now())
		return err
	}
}

// reach holds a round if one of its readers is to be held at a stage. It is called on the
// loop's goroutine.
func (l *readLoop) reach(r *etcdserver.ReadRound, s stages.Stage) {
	if l.holds.Active() {
		l.holds.ReachBatch(l.waiting.of(r.Seq), s)
	}
}

// rangeKeys observes the reading of a range, on the handler's goroutine. A RangeStream reads
// once for each chunk.
func (p *Path) rangeKeys(next etcdserver.RangeFunc) etcdserver.RangeFunc {
	return func(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
		p.holds.Reach(ctx, record.FromContext(ctx), stages.TxnRange)
		begin := record.Now()
		resp, err := next(ctx, r)
		stampSince(ctx, stages.TxnRange, begin)
		return resp, err
	}
}

// txn observes a transaction that only reads, on the handler's goroutine.
func (p *Path) txn(next etcdserver.TxnFunc) etcdserver.TxnFunc {
	return observe(p, stages.TxnRange, next)
}

// waitingReaders lists the readers of each round while requests may be held: the read loop
// does not know who its readers are. Its methods may be called by any goroutine.
type waitingReaders struct {
	mu     sync.Mutex
	rounds map[uint64][]*record.Record // by ReadRound.Seq; the slices are never changed in place
}

func (w *waitingReaders) join(seq uint64, rec *record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rounds == nil {
		w.rounds = make(map[uint64][]*record.Record)
	}
	w.rounds[seq] = append(w.rounds[seq], rec)
}

func (w *waitingReaders) leave(seq uint64, rec *record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(w.rounds[seq]), func(r *record.Record) bool { return r == rec })
	if w.rounds[seq] = left; len(left) == 0 {
		delete(w.rounds, seq)
	}
}

// of returns the readers of a round that joined while requests could be held.
func (w *waitingReaders) of(seq uint64) []*record.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rounds[seq]
}

// count counts the readers of all rounds, without those in except.
func (w *waitingReaders) count(except []*record.Record) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, readers := range w.rounds {
		for _, rec := range readers {
			if !slices.Contains(except, rec) {
				n++
			}
		}
	}
	return n
}
