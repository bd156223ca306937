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
	err := s.Storage.Save(st, ents)
	end := trace.Now()
	s.observe(batch, begin, end)
	return err
}

func (s *storage) observe(batch *trace.Batch, begin, end int64) {
	batch.Begin(begin)
	if took, once := s.loop.fsync.since(); took > 0 {
		// The sync is the last thing that Save does, unless it also cut the
		// segment, and then there was more than one.
		batch.SyncInferred.Store(!once)
		batch.Inner(max(begin, end-took), end)
	}
	batch.End(end)
	for _, rec := range s.loop.members {
		rec.EndAt(trace.RaftHandleReady, begin)
		rec.BeginAt(trace.RaftCommit, end)
	}
}
