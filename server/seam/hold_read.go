package seam

import (
	"slices"
	"sync"

	"glasskv/server/etcdserver"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

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
	if g.holds.awake() {
		g.holds.together(g.watched.of(r.Seq), s)
	}
}
