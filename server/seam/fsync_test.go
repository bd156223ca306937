package seam

import (
	"testing"

	"glasskv/trace/stages"

	"github.com/cockroachdb/datadriven"
	"github.com/prometheus/client_golang/prometheus"
	_ "go.etcd.io/etcd/server/v3/storage/wal" // registers the histogram
)

func TestTheMeterReadsTheWALsOwnHistogram(t *testing.T) {
	m, err := newFsyncMeter()
	if err != nil {
		t.Fatal(err)
	}
	histogram := m.histogram.(prometheus.Observer)

	m.since()
	if took, _ := m.since(); took != 0 {
		t.Errorf("no fsync, but %d ns", took)
	}
	histogram.Observe(0.001)
	if took, once := m.since(); took < 999_000 || took > 1_001_000 || !once {
		t.Errorf("one fsync of 1 ms read as %d ns, once %v", took, once)
	}
	histogram.Observe(0.001)
	histogram.Observe(0.001)
	if _, once := m.since(); once {
		t.Error("two fsyncs taken for one")
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
	one.gates["save"].hold()
	held := one.send(put())
	one.gates["save"].arrive(t)
	other.finish(other.send(put()), words{t, &datadriven.TestData{}})
	one.gates["save"].release()
	one.finish(held, words{t, &datadriven.TestData{}})

	for s, want := range map[*story]stages.Edge{one: stages.Inferred, other: stages.Near} {
		sync := s.last.Timeline().Stage(stages.WALSync.String())
		if sync == nil || sync.BeginEdge != want || sync.EndEdge != want {
			t.Errorf("wal.sync is %+v, want its edges %s", sync, want)
		}
	}
}
