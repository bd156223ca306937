package path

import (
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
