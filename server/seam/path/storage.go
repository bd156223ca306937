package path

import (
	"strconv"
	"sync"

	"glasskv/server/control"
	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3/raftpb"
)

// storage observes the write-ahead log. Save runs on the raft loop's goroutine,
// once for all entries of a Ready.
type storage struct {
	etcdserver.Storage
	loop *raftLoop
}

func (s *storage) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	batch := s.loop.batch
	if batch == nil {
		return s.Storage.Save(st, ents)
	}
	s.begin(batch)
	err := s.Storage.Save(st, ents)
	if err != nil {
		batch.Fail(err.Error())
	}
	s.end(err)
	s.loop.tail.saved(ents)
	return err
}

// begin comes before the save, so that a request which gives up meanwhile shows
// what it was waiting for.
func (s *storage) begin(batch *record.Batch) {
	now := record.Now()
	for _, rec := range s.loop.members {
		rec.EndAt(stages.RaftHandleReady, now)
	}
	now = s.loop.delay(fault.SlowWrite, stages.WALSave, now)
	batch.BeginAt(s.loop.hold(stages.WALSave, now))
}

func (s *storage) end(err error) {
	end := record.Now()
	s.loop.written, s.loop.saved = end, end
	if err != nil {
		return // nothing of it will be committed
	}
	end = s.loop.delay(fault.SlowFsync, stages.WALSync, end)
	s.loop.saved = end
	for _, rec := range s.loop.members {
		rec.BeginAt(stages.RaftCommit, end)
	}
}

// tail remembers the last entries that were saved, for those who look at a
// request that is held. The raft loop writes it once for each save.
type tail struct {
	mu   sync.Mutex
	last [tailEntries]*raftpb.Entry // raft has them in memory for much longer, and nobody changes them
	n    uint64                     // entries so far
}

// tailEntries is a handful: enough to see where one's own entry stands.
const tailEntries = 8

// saved notes what was written to the log. Of many entries the last are enough.
func (t *tail) saved(entries []*raftpb.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries[max(0, len(entries)-tailEntries):] {
		t.last[t.n%tailEntries] = e
		t.n++
	}
}

// entries returns them, the last one last.
func (t *tail) entries() []control.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []control.Entry{}
	for i := t.n - min(t.n, tailEntries); i < t.n; i++ {
		e := t.last[i%tailEntries]
		one := control.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: e.GetType().String(), Bytes: len(e.GetData())}
		if id := requestID(e.GetData()); id != 0 {
			one.RequestID = strconv.FormatUint(id, 16)
		}
		all = append(all, one)
	}
	return all
}
