package seam

import (
	"errors"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
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
		save := rec.Timeline().Stage(stages.WALSave.String())
		if save == nil || !save.Open || save.SharedBy != 1 {
			t.Errorf("during the save: %+v", save)
		}
		if _, handled := rec.Stamps(stages.RaftHandleReady); handled == 0 {
			t.Error("raft.handleReady goes on")
		}
		return nil
	})
	tl := rec.Timeline()
	save, commit := tl.Stage(stages.WALSave.String()), tl.Stage(stages.RaftCommit.String())
	if save.Open || commit == nil || commit.BeginNS != save.EndNS {
		t.Errorf("after the save: %+v, then %+v", save, commit)
	}
	if tl.Stage(stages.WALSync.String()) != nil {
		t.Error("an fsync that did not happen")
	}
}

func TestWhatWasNotSavedIsNotCommitted(t *testing.T) {
	rec := saveOne(t, func(*record.Record) error { return errDisk })
	tl := rec.Timeline()
	if save := tl.Stage(stages.WALSave.String()); save == nil || save.Open || save.Attributes[trace.AttrFailure] != errDisk.Error() {
		t.Errorf("the save: %+v", save)
	}
	if commit := tl.Stage(stages.RaftCommit.String()); commit != nil {
		t.Errorf("it waits for the commit: %+v", commit)
	}
}

// Saves without entries move the commit index; they are no request's.
func TestASaveWithoutEntriesIsNobodys(t *testing.T) {
	saved := false
	st := &storage{fakeStorage{save: func() error { saved = true; return nil }}, &raftLoop{}}
	if err := st.Save(&raftpb.HardState{}, nil); err != nil || !saved {
		t.Errorf("saved %v: %v", saved, err)
	}
}

// The disk of a real server breaks. The put is not acknowledged, and its record
// ends with the save that failed.
func TestABrokenDiskEndsTheRecordWithAnError(t *testing.T) {
	s := newStory(t)
	s.recorder = record.NewRecorder(record.Options{})
	s.recorder.Subscribe(func(rec *record.Record) { s.finished <- rec })
	var err error
	if s.observer, err = New(s.recorder, Options{}); err != nil {
		t.Fatal(err)
	}
	broken := make(chan struct{})
	seams := s.observer.Seams()
	observed := seams.Server.Storage
	seams.Server.Storage = func(st etcdserver.Storage) etcdserver.Storage { return observed(brokenStorage{st, broken}) }
	node := servetest.Start(t, servetest.Config(t), seams)
	close(broken)

	_, err = pb.NewKVClient(node.Conn).Put(limit(t), &pb.PutRequest{Key: []byte("k")})
	if code := status.Code(err); code != codes.Unavailable {
		t.Errorf("put: %v", err)
	}
	tl := await(t, "record", s.finished).Timeline()
	tiles(t, tl)
	nested(t, tl)
	if tl.Code != codes.Unavailable.String() {
		t.Errorf("code %q, %q", tl.Code, tl.Message)
	}
	if save := tl.Stage(stages.WALSave.String()); save == nil || save.Open {
		t.Errorf("the save: %+v", save)
	}
	for _, never := range []stages.Stage{stages.RaftCommit, stages.ApplyWait, stages.ApplyEntry, stages.WaitTrigger, stages.SendMsg} {
		if st := tl.Stage(never.String()); st != nil {
			t.Errorf("%+v", st)
		}
	}
	if err := s.recorder.Close(limit(t)); err != nil {
		t.Error(err)
	}
	if last := tl.Ledger[len(tl.Ledger)-1].Stage; tl.Explained < leastExplained || last == trace.Unexplained {
		t.Errorf("%.2f of it is explained: %+v", tl.Explained, tl.Ledger)
	}
	if live := s.recorder.Stats().Live; live != 0 {
		t.Errorf("%d requests are under way", live)
	}
}

// brokenStorage fails from a moment on.
type brokenStorage struct {
	etcdserver.Storage
	broken <-chan struct{}
}

func (b brokenStorage) Save(st *raftpb.HardState, entries []*raftpb.Entry) error {
	select {
	case <-b.broken:
		return errDisk
	default:
		return b.Storage.Save(st, entries)
	}
}
