package seam

import (
	"glasskv/server/etcdserver"
	"glasskv/trace"

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
	s.loop.fsync.read()
	begin := trace.Now()
	s.begin(batch, begin)
	err := s.Storage.Save(st, ents)
	s.end(batch, begin, err)
	return err
}

// begin comes before the save, so that a request which gives up meanwhile shows
// what it was waiting for.
func (s *storage) begin(batch *trace.Batch, now int64) {
	batch.Begin(now)
	for _, rec := range s.loop.members {
		rec.EndAt(trace.RaftHandleReady, now)
	}
}

func (s *storage) end(batch *trace.Batch, begin int64, err error) {
	end := trace.Now()
	if took, once := s.loop.fsync.since(); took > 0 {
		// The sync is the last thing that Save does, unless it also cut the
		// segment, and then there was more than one.
		batch.SyncInferred.Store(!once)
		batch.Inner(max(begin, end-took), end)
	}
	batch.End(end)
	if err != nil {
		return // nothing of it will be committed
	}
	for _, rec := range s.loop.members {
		rec.BeginAt(trace.RaftCommit, end)
	}
}
