package path

import (
	"errors"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// entriesOf makes an entry for each ID.
func entriesOf(t testing.TB, ids ...uint64) (entries []*raftpb.Entry) {
	for _, id := range ids {
		entries = append(entries, &raftpb.Entry{Data: seamtest.Entry(t, id)})
	}
	return entries
}

// known makes records and puts them into the table under their IDs.
func known(t testing.TB, table *requests, ids ...uint64) (recs []*record.Record) {
	for _, id := range ids {
		rec := seamtest.Record(t)
		table.put(id, rec)
		recs = append(recs, rec)
	}
	return recs
}

func TestTheEntriesOfAReadyShareABatch(t *testing.T) {
	loop := &raftLoop{requests: &requests{}}
	recs := known(t, loop.requests, 1, 2, 3)
	var batch *record.Batch
	var before []*record.Record
	failed := errors.New("disk")
	ready := loop.ready(func(raft.Ready) error {
		batch, before = loop.batch, loop.members
		return failed
	})
	// Entry 4 is another member's, and a new leader's entry is empty.
	entries := append(entriesOf(t, 1, 2, 3, 4), &raftpb.Entry{})
	if err := ready(raft.Ready{Entries: entries}); !errors.Is(err, failed) {
		t.Errorf("error: %v", err)
	}
	if batch.Members() != len(entries) || len(batch.Links()) != len(recs) {
		t.Errorf("%d members and %d links, want %d and %d", batch.Members(), len(batch.Links()), len(entries), len(recs))
	}
	for _, rec := range recs {
		_, ready := rec.Stamps(stages.RaftWaitReady)
		if handled, _ := rec.Stamps(stages.RaftHandleReady); ready == 0 || handled != ready {
			t.Errorf("raft.waitReady ends at %d, raft.handleReady begins at %d", ready, handled)
		}
	}
	for i := range before {
		if before[i] != nil {
			t.Error("the loop keeps a record alive")
		}
	}
	if loop.batch != nil || len(loop.members) != 0 {
		t.Error("the batch is still open")
	}
}

func TestACrowdIsCountedWhereItIsTooLargeToBeNamed(t *testing.T) {
	const crowd = 300
	loop := &raftLoop{requests: &requests{}}
	var ids []uint64
	for id := range uint64(crowd) {
		ids = append(ids, id+1)
	}
	known(t, loop.requests, ids...)
	_ = loop.ready(func(raft.Ready) error {
		if links := len(loop.batch.Links()); loop.batch.Members() != crowd || links == 0 || links > crowd {
			t.Errorf("%d members, %d links", loop.batch.Members(), links)
		}
		return nil
	})(raft.Ready{Entries: entriesOf(t, ids...)})
}

func TestCommittedEntriesSetOutForApply(t *testing.T) {
	loop := &raftLoop{requests: &requests{}}
	recs := known(t, loop.requests, 1, 3)
	_ = loop.ready(func(raft.Ready) error {
		if loop.batch != nil {
			t.Error("a batch without new entries")
		}
		return nil
	})(raft.Ready{CommittedEntries: entriesOf(t, 1, 2, 3)})
	for i, rec := range recs {
		rec.BeginAt(stages.RaftCommit, 1)
		_, committed := rec.Stamps(stages.RaftCommit)
		waits, _ := rec.Stamps(stages.ApplyWait)
		scheduled, _ := rec.Stamps(stages.ApplySchedule)
		if committed == 0 || waits != committed || scheduled != committed {
			t.Errorf("committed at %d, apply.wait from %d, apply.schedule from %d", committed, waits, scheduled)
		}
		want := []string{"", "2"}[i] // the second entry is another member's, but it is in front all the same
		if got := rec.Timeline().Attributes[trace.AttrBehind]; got != want {
			t.Errorf("request %d is behind %q, want %q", i, got, want)
		}
	}
}
