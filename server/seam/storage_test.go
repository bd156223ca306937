package seam

import (
	"errors"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"github.com/cockroachdb/datadriven"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	_ "go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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

	_, err = pb.NewKVClient(node.Conn).Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k")})
	if code := status.Code(err); code != codes.Unavailable {
		t.Errorf("put: %v", err)
	}
	tl := seamtest.Await(t, "record", s.finished).Timeline()
	tiles(t, tl)
	nested(t, tl)
	if tl.Code != codes.Unavailable.String() {
		t.Errorf("code %q, %q", tl.Code, tl.Message)
	}
	if save := tl.Find(stages.WALSave); save == nil || save.Open {
		t.Errorf("the save: %+v", save)
	}
	for _, never := range []stages.Stage{stages.RaftCommit, stages.ApplyWait, stages.ApplyEntry, stages.WaitTrigger, stages.SendMsg} {
		if st := tl.Stage(never.String()); st != nil {
			t.Errorf("%+v", st)
		}
	}
	if err := s.recorder.Close(seamtest.Limit(t)); err != nil {
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
		return errors.New("input/output error")
	default:
		return b.Storage.Save(st, entries)
	}
}

// Two servers of one process share the histogram. While the one saves, the other
// syncs: how long either sync took cannot be told then, and the record says so.
func TestTheSyncsOfTwoServersCannotBeToldApart(t *testing.T) {
	one, other := newStory(t), newStory(t)
	for _, s := range []*story{one, other} {
		s.serve(words{t, &datadriven.TestData{}})
	}
	put := func() words {
		return words{t, &datadriven.TestData{Cmd: "put", CmdArgs: []datadriven.CmdArg{{Key: "k"}, {Key: "v"}}}}
	}
	one.gates["save"].close()
	held := one.send(put())
	one.gates["save"].arrive(t)
	other.finish(other.send(put()), words{t, &datadriven.TestData{}})
	one.gates["save"].open()
	one.finish(held, words{t, &datadriven.TestData{}})

	for s, want := range map[*story]stages.Edge{one: stages.Inferred, other: stages.Near} {
		sync := s.last.Timeline().Find(stages.WALSync)
		if sync == nil || sync.BeginEdge != want || sync.EndEdge != want {
			t.Errorf("wal.sync is %+v, want its edges %s", sync, want)
		}
	}
}
