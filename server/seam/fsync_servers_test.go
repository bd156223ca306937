package seam

import (
	"testing"

	"github.com/cockroachdb/datadriven"

	"glasskv/trace/stages"

	_ "go.etcd.io/etcd/server/v3/storage/wal"
)

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
	one.gates["save"].hold()
	held := one.send(put())
	one.gates["save"].arrive(t)
	other.finish(other.send(put()), words{t, &datadriven.TestData{}})
	one.gates["save"].release()
	one.finish(held, words{t, &datadriven.TestData{}})

	for s, want := range map[*story]stages.Edge{one: stages.Inferred, other: stages.Near} {
		sync := s.last.Timeline().Find(stages.WALSync)
		if sync == nil || sync.BeginEdge != want || sync.EndEdge != want {
			t.Errorf("wal.sync is %+v, want its edges %s", sync, want)
		}
	}
}
