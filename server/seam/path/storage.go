package path

import (
	"strconv"
	"sync"

	"go.etcd.io/raft/v3/raftpb"

	"glasskv/server/control"
	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// storage observes the write-ahead log. The raft loop calls Save once for all new entries
// of a Ready.
type storage struct {
	etcdserver.Storage
	loop *raftLoop
}

// Save stamps wal.save for the batch of the Ready. A Ready without new entries has no
// batch, and its save is not stamped.
func (s *storage) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	batch := s.loop.batch
	if batch == nil {
		return s.Storage.Save(st, ents)
	}
	s.beginSave(batch)
	err := s.Storage.Save(st, ents)
	if err != nil {
		batch.Fail(err.Error())
	}
	s.endSave(err)
	s.loop.tail.add(ents)
	return err
}

// beginSave stamps the beginning of wal.save before the save, and not together with the
// end. Then a request that gives up during the save shows what it was waiting for.
func (s *storage) beginSave(batch *record.Batch) {
	now := record.Now()
	for _, rec := range s.loop.members {
		rec.EndAt(stages.RaftHandleReady, now)
	}
	now = s.loop.delay(fault.SlowWrite, stages.WALSave, now)
	batch.BeginAt(s.loop.reach(stages.WALSave, now))
}

// endSave notes when the save returned. The raft loop stamps the end of wal.save from that,
// once it has read how long fdatasync took.
func (s *storage) endSave(err error) {
	end := record.Now()
	s.loop.written, s.loop.saved = end, end
	if err != nil {
		return // the entries will not be committed
	}
	end = s.loop.delay(fault.SlowFsync, stages.WALSync, end)
	s.loop.saved = end
	for _, rec := range s.loop.members {
		rec.BeginAt(stages.RaftCommit, end)
	}
}

// logTail keeps the last entries that were saved, so that the report on a held request can
// show them. The raft loop writes it; any goroutine may read it.
type logTail struct {
	mu   sync.Mutex
	last [tailEntries]*raftpb.Entry // a ring. raft keeps them in memory much longer, and nobody changes them
	n    uint64                     // entries added so far
}

// tailEntries is enough to show a request's own entry and those around it.
const tailEntries = 8

// add adds entries that were saved. Of many it keeps the last.
func (t *logTail) add(entries []*raftpb.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries[max(0, len(entries)-tailEntries):] {
		t.last[t.n%tailEntries] = e
		t.n++
	}
}

// entries returns the entries that are kept, in the log's order.
func (t *logTail) entries() []control.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []control.Entry{}
	for i := t.n - min(t.n, tailEntries); i < t.n; i++ {
		e := t.last[i%tailEntries]
		entry := control.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: e.GetType().String(), Bytes: len(e.GetData())}
		if id := requestID(e.GetData()); id != 0 {
			entry.RequestID = strconv.FormatUint(id, 16)
		}
		all = append(all, entry)
	}
	return all
}
