package path

import (
	"context"
	"errors"
	"sync"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// rounds is a read loop that is turned by hand.
type rounds struct {
	readLoop
	notify etcdserver.ReadNotifyFunc
	over   chan struct{} // closed when the round is over
	joined chan struct{}
}

func newRounds() *rounds {
	r := &rounds{over: make(chan struct{}), joined: make(chan struct{}, 1024)}
	r.notify = r.readLoop.notify(func(ctx context.Context, _ *etcdserver.ReadRound) error {
		r.joined <- struct{}{}
		select {
		case <-r.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return r
}

// turn takes the round from its beginning to its end.
func (r *rounds) turn(t testing.TB, round *etcdserver.ReadRound, applied bool) {
	index := r.index(func(*etcdserver.ReadRound) (uint64, error) { return 7, nil })
	wait := r.waitApplied(func(*etcdserver.ReadRound, uint64) error { return nil })
	r.round(func(round *etcdserver.ReadRound) {
		if i, err := index(round); i != 7 || err != nil {
			t.Errorf("index %d, %v", i, err)
		}
		if !applied {
			if err := wait(round, 7); err != nil {
				t.Errorf("wait: %v", err)
			}
		}
	})(round)
	close(r.over)
}

// Many readers wait for one round. All of them are in its batch, by name.
func TestReadersShareARound(t *testing.T) {
	for name, applied := range map[string]bool{"with what is applied": true, "after a wait for apply": false} {
		t.Run(name, func(t *testing.T) {
			const readers = 64
			r, round := newRounds(), &etcdserver.ReadRound{Seq: 5}
			var recs []*record.Record
			var wg sync.WaitGroup
			for range readers {
				rec := seamtest.Record(t)
				recs = append(recs, rec)
				wg.Go(func() {
					if err := r.notify(seamtest.Context(t, rec), round); err != nil {
						t.Errorf("notify: %v", err)
					}
				})
			}
			for range readers {
				seamtest.Await(t, "reader", r.joined)
			}
			r.turn(t, round, applied)
			wg.Wait()

			batch := r.batchOf(round)
			if batch.Members() != readers || len(batch.Links()) != readers {
				t.Errorf("%d members, %d links, want %d", batch.Members(), len(batch.Links()), readers)
			}
			for _, rec := range recs {
				checkReader(t, rec.Timeline(), readers, applied)
			}
		})
	}
}

func checkReader(t *testing.T, tl *trace.Timeline, readers int, applied bool) {
	t.Helper()
	wait, index, release := tl.Find(stages.ReadWait), tl.Find(stages.ReadIndex), tl.Find(stages.ReadRelease)
	if wait == nil || index == nil || release == nil {
		t.Fatalf("stages: %+v", tl.Stages)
	}
	last := index
	if after := tl.Find(stages.ReadWaitApplied); (after == nil) != applied {
		t.Errorf("read.waitApplied: %+v", after)
	} else if after != nil {
		last = after
	}
	if index.SharedBy != readers || wait.EndNS > index.BeginNS || release.BeginNS != last.EndNS || release.Open {
		t.Errorf("wait %+v, index %+v, release %+v", wait, index, release)
	}
}

func TestAReaderThatGivesUpBeforeItsRoundHasOnlyWaited(t *testing.T) {
	r, rec := newRounds(), seamtest.Record(t)
	ctx, cancel := context.WithCancel(seamtest.Context(t, rec))
	cancel()
	if err := r.notify(ctx, &etcdserver.ReadRound{Seq: 5}); !errors.Is(err, context.Canceled) {
		t.Errorf("notify: %v", err)
	}
	tl := rec.Timeline()
	if wait := tl.Find(stages.ReadWait); wait == nil || wait.Open {
		t.Errorf("read.wait: %+v", wait)
	}
	if index := tl.Find(stages.ReadIndex); index != nil {
		t.Errorf("read.index: %+v", index)
	}
}

// The slots of the rounds are used again. A reader takes no round for its own
// that has another number.
func TestAReaderDoesNotTakeAnothersRound(t *testing.T) {
	r, rec := newRounds(), seamtest.Record(t)
	r.turn(t, &etcdserver.ReadRound{Seq: 5}, true)
	if err := r.notify(seamtest.Context(t, rec), &etcdserver.ReadRound{Seq: 5 + roundSlots}); err != nil {
		t.Errorf("notify: %v", err)
	}
	if index := rec.Timeline().Find(stages.ReadIndex); index != nil {
		t.Errorf("read.index: %+v", index)
	}
}

func TestAReaderThatIsNotRecordedWaitsAsWell(t *testing.T) {
	r := newRounds()
	r.turn(t, &etcdserver.ReadRound{Seq: 5}, true)
	if err := r.notify(seamtest.Limit(t), &etcdserver.ReadRound{Seq: 5}); err != nil {
		t.Errorf("notify: %v", err)
	}
	if n := r.batchOf(&etcdserver.ReadRound{Seq: 5}).Members(); n != 0 {
		t.Errorf("%d members", n)
	}
}
