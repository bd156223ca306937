package etcdserver

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/raft/v3/raftpb"
)

// A write is committed and not yet applied. A linearizable read waits for it, a
// serializable one returns what there is.
func TestReadWaitsForWhatIsCommitted(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	waiting := make(chan struct{})
	seams := Seams{
		Apply: func(next ApplyFunc) ApplyFunc {
			return func(ctx context.Context, r *pb.InternalRaftRequest) *Result {
				if r.Put != nil {
					close(held)
					<-release
				}
				return next(ctx, r)
			}
		},
		WaitApplied: func(next WaitAppliedFunc) WaitAppliedFunc {
			return func(round *ReadRound, index uint64) error {
				waiting <- struct{}{}
				return next(round, index)
			}
		},
	}
	s := startServer(t, testConfig(t, t.TempDir()), seams)
	var clients sync.WaitGroup
	clients.Go(func() { put(t, s, "k", "v") })
	<-held

	stale, err := s.Range(testContext(t), &pb.RangeRequest{Key: []byte("k"), Serializable: true})
	if err != nil || len(stale.Kvs) != 0 {
		t.Errorf("serializable read: %v, %v, want nothing yet", stale, err)
	}
	clients.Go(func() { wantGet(t, s, "k", "v") })
	<-waiting
	close(release)
	clients.Wait()
}

// Readers who come while a round is under way share the next one.
func TestReadersShareARound(t *testing.T) {
	const crowd = 10
	joined := make(chan uint64, crowd+1)
	asking, release := make(chan struct{}, crowd), make(chan struct{})
	seams := Seams{
		ReadNotify: func(next ReadNotifyFunc) ReadNotifyFunc {
			return func(ctx context.Context, round *ReadRound) error {
				joined <- round.Seq
				return next(ctx, round)
			}
		},
		ReadIndex: func(next ReadIndexFunc) ReadIndexFunc {
			return func(round *ReadRound) (uint64, error) {
				asking <- struct{}{}
				<-release
				return next(round)
			}
		},
	}
	s := startServer(t, testConfig(t, t.TempDir()), seams)
	var readers sync.WaitGroup
	readers.Go(func() { get(t, s, "k") })
	first := <-joined
	<-asking
	for range crowd {
		readers.Go(func() { get(t, s, "k") })
	}
	for range crowd {
		if seq := <-joined; seq != first+1 {
			t.Errorf("joined round %d, want %d", seq, first+1)
		}
	}
	close(release)
	readers.Wait()
	// A token that a reader left behind may bring one round more, for nobody.
	if n := len(asking); n > 2 {
		t.Errorf("asked for the read index %d times for one crowd", n)
	}
}

// The disk takes long. The caller's deadline passes, and the write is found
// applied later all the same.
func TestProposalTimesOut(t *testing.T) {
	release := make(chan struct{})
	slow := &slowDisk{release: release, saving: make(chan struct{})}
	seams := Seams{Storage: func(st Storage) Storage {
		slow.Storage = st
		return slow
	}}
	s := startServer(t, testConfig(t, t.TempDir()), seams)
	ctx, cancel := context.WithTimeout(testContext(t), 50*time.Millisecond)
	defer cancel()
	_, err := s.Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: slowValue})
	wantErr(t, err, errors.ErrTimeout)
	<-slow.saving
	close(release)
	put(t, s, "after", "v") // which the log has behind it
	wantGet(t, s, "k", string(slowValue))
}

var slowValue = []byte("a value that is slow to save")

// slowDisk holds the save that has slowValue in it.
type slowDisk struct {
	Storage
	saving, release chan struct{}
}

func (d *slowDisk) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	if len(ents) == 1 && bytes.Contains(ents[0].Data, slowValue) {
		close(d.saving)
		<-d.release
	}
	return d.Storage.Save(st, ents)
}
