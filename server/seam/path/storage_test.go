package path

import (
	"errors"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

var errDisk = errors.New("input/output error")

// fakeStorage saves as it is told.
type fakeStorage struct {
	etcdserver.Storage
	save func() error
}

func (f fakeStorage) Save(*raftpb.HardState, []*raftpb.Entry) error { return f.save() }

// saveOne takes one request through a Ready whose save does what it is told.
func saveOne(t *testing.T, save func(*record.Record) error) *record.Record {
	t.Helper()
	meter, err := newFsyncMeter()
	if err != nil {
		t.Fatal(err)
	}
	loop := &raftLoop{requests: &requests{}, fsync: meter}
	rec := known(t, loop.requests, 1)[0]
	st := &storage{fakeStorage{save: func() error { return save(rec) }}, loop}
	_ = loop.ready(func(rd raft.Ready) error { return st.Save(rd.HardState, rd.Entries) })(raft.Ready{Entries: entriesOf(t, 1)})
	return rec
}

// A request that gives up during a slow save was waiting for the save.
func TestASaveIsSeenWhileItIsUnderWay(t *testing.T) {
	rec := saveOne(t, func(rec *record.Record) error {
		save := rec.Timeline().Find(stages.WALSave)
		if save == nil || !save.Open || save.SharedBy != 1 {
			t.Errorf("during the save: %+v", save)
		}
		if _, handled := rec.Stamps(stages.RaftHandleReady); handled == 0 {
			t.Error("raft.handleReady goes on")
		}
		return nil
	})
	tl := rec.Timeline()
	save, commit := tl.Find(stages.WALSave), tl.Find(stages.RaftCommit)
	if save.Open || commit == nil || commit.BeginNS != save.EndNS {
		t.Errorf("after the save: %+v, then %+v", save, commit)
	}
	if tl.Find(stages.WALSync) != nil {
		t.Error("an fsync that did not happen")
	}
}

func TestWhatWasNotSavedIsNotCommitted(t *testing.T) {
	rec := saveOne(t, func(*record.Record) error { return errDisk })
	tl := rec.Timeline()
	if save := tl.Find(stages.WALSave); save == nil || save.Open || save.Attributes[trace.AttrFailure] != errDisk.Error() {
		t.Errorf("the save: %+v", save)
	}
	if commit := tl.Find(stages.RaftCommit); commit != nil {
		t.Errorf("it waits for the commit: %+v", commit)
	}
}

// Saves without entries move the commit index; they belong to no request.
func TestASaveWithoutEntriesIsNobodys(t *testing.T) {
	saved := false
	st := &storage{fakeStorage{save: func() error { saved = true; return nil }}, &raftLoop{}}
	if err := st.Save(&raftpb.HardState{}, nil); err != nil || !saved {
		t.Errorf("saved %v: %v", saved, err)
	}
}
