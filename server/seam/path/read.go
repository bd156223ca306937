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

// reading observes the read loop, one round of which serves many readers. A
// round is known by its number on both sides, so a reader finds the stamps of
// just the round that served it.
type reading struct {
	rounds [roundSlots]atomic.Pointer[round]
	joined [roundSlots]atomic.Int32 // readers that wait for the round of this slot
	holds  *hold.Holds
	watched
}

type round struct {
	seq   uint64
	begin int64 // the loop took it up
	batch *record.Batch
}

// roundSlots is far above the two rounds that can be open at once; a reader
// that wakes late still finds its own.
const roundSlots = 256

// notify observes one reader: waiting for the round to begin, the round, and
// waking up after it.
func (g *reading) notify(next etcdserver.ReadNotifyFunc) etcdserver.ReadNotifyFunc {
	return func(ctx context.Context, r *etcdserver.ReadRound) error {
		rec := record.FromContext(ctx)
		if rec == nil {
			return next(ctx, r)
		}
		g.joined[r.Seq%roundSlots].Add(1)
		g.holds.Reach(ctx, rec, stages.ReadWait)
		if g.holds.Active() {
			g.join(r.Seq, rec)
			defer g.leave(r.Seq, rec)
		}
		rec.Begin(stages.ReadWait)
		err := next(ctx, r)
		now := record.Now()
		served := g.rounds[r.Seq%roundSlots].Load()
		if served == nil || served.seq != r.Seq {
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

// spareNames is how many readers more than had joined by then a round can name:
// they join while it begins.
const spareNames = 4

func (g *reading) round(next etcdserver.ReadRoundFunc) etcdserver.ReadRoundFunc {
	return func(r *etcdserver.ReadRound) {
		slot := r.Seq % roundSlots
		readers := int(g.joined[slot].Swap(0))
		g.rounds[slot].Store(&round{
			seq: r.Seq, begin: record.Now(),
			batch: record.NewBatch(stages.ReadIndex, readers+spareNames),
		})
		next(r)
	}
}

func (g *reading) current(r *etcdserver.ReadRound) *record.Batch {
	return g.rounds[r.Seq%roundSlots].Load().batch
}

func (g *reading) index(next etcdserver.ReadIndexFunc) etcdserver.ReadIndexFunc {
	return func(r *etcdserver.ReadRound) (uint64, error) {
		g.hold(r, stages.ReadIndex)
		batch := g.current(r)
		batch.BeginAt(record.Now())
		index, err := next(r)
		batch.EndAt(record.Now())
		return index, err
	}
}

func (g *reading) waitApplied(next etcdserver.WaitAppliedFunc) etcdserver.WaitAppliedFunc {
	return func(r *etcdserver.ReadRound, index uint64) error {
		g.hold(r, stages.ReadWaitApplied)
		begin := record.Now()
		err := next(r, index)
		g.current(r).SecondStageAt(begin, record.Now())
		return err
	}
}

// rangeKeys and txn observe the reading itself, on the handler's goroutine. A
// RangeStream reads once for each chunk.
func (o *Path) rangeKeys(next etcdserver.RangeFunc) etcdserver.RangeFunc {
	return func(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
		o.holds.Reach(ctx, record.FromContext(ctx), stages.TxnRange)
		begin := record.Now()
		resp, err := next(ctx, r)
		passed(ctx, stages.TxnRange, begin)
		return resp, err
	}
}

func (o *Path) txn(next etcdserver.TxnFunc) etcdserver.TxnFunc {
	return during(o, stages.TxnRange, next)
}

// watched knows who waits for which round of the read loop, while somebody may be
// held: the loop itself serves a round and does not know its readers.
type watched struct {
	mu     sync.Mutex
	rounds map[uint64][]*record.Record
}

func (w *watched) join(round uint64, rec *record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rounds == nil {
		w.rounds = make(map[uint64][]*record.Record)
	}
	w.rounds[round] = append(w.rounds[round], rec)
}

func (w *watched) leave(round uint64, rec *record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(w.rounds[round]), func(r *record.Record) bool { return r == rec })
	if w.rounds[round] = left; len(left) == 0 {
		delete(w.rounds, round)
	}
}

// of returns the readers of a round, as far as they are known.
func (w *watched) of(round uint64) []*record.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rounds[round]
}

// waiting counts the readers of all rounds but those that are held.
func (w *watched) waiting(but []*record.Record) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, readers := range w.rounds {
		for _, rec := range readers {
			if !slices.Contains(but, rec) {
				n++
			}
		}
	}
	return n
}

// hold stands still before a stage of a round if one of its readers is to be held
// there.
func (g *reading) hold(r *etcdserver.ReadRound, s stages.Stage) {
	if g.holds.Active() {
		g.holds.ReachBatch(g.watched.of(r.Seq), s)
	}
}
