package record

// Stats is a recorder's state in numbers.
type Stats struct {
	Begun       uint64 `json:"begun"`    // records begun since the start
	Finished    uint64 `json:"finished"` // of these, finished
	Live        int64  `json:"live"`     // of these, under way
	Seen        uint64 `json:"seen"`     // finished ones that the worker is through with, or lost
	Exported    uint64 `json:"exported"` // records whose spans the exporter took
	Queued      int    `json:"queued"`   // records that wait for the exporter
	Kept        int    `json:"kept"`     // records that can be looked up
	MemoryBound int64  `json:"memory_bound_bytes"`
	MemoryUsed  int64  `json:"memory_used_bytes"` // an upper estimate
	NotRecorded uint64 `json:"lost_not_recorded"` // see Counters
	Overwritten uint64 `json:"lost_overwritten"`
	NotExported uint64 `json:"lost_not_exported"`
	NotEmbedded uint64 `json:"lost_not_embedded"`
	Swept       uint64 `json:"swept"`

	FailedConns uint64 `json:"failed_connections"`               // connections that never carried a request
	LastFailure string `json:"last_failed_connection,omitempty"` // why the last of them did not
}

// Stats returns the recorder's state. The numbers are read one after the other
// while requests go on, so they need not add up to the last one.
func (rc *Recorder) Stats() Stats {
	s := Stats{
		Seen: rc.seen.Load(), Finished: rc.next.Load(), Live: rc.live.Load(), Begun: rc.begun.Load(),
		MemoryBound: rc.opts.MemoryBytes,
		NotRecorded: rc.lost.NotRecorded.Load(), Overwritten: rc.lost.Overwritten.Load(),
		NotExported: rc.lost.NotExported.Load(), NotEmbedded: rc.lost.NotEmbedded.Load(), Swept: rc.lost.Swept.Load(),
	}
	s.FailedConns = rc.failed.Load()
	if c := rc.lastFailure.Load(); c != nil {
		s.LastFailure = c.Peer + ": " + *c.failure.Load()
	}
	ring, slow := int(min(s.Finished, uint64(len(rc.ring)))), rc.slowest.len()
	s.Kept = ring + slow // a slow one that is still in the ring counts twice
	if rc.out != nil {
		s.Queued, s.Exported = int(rc.out.queued.Load()), rc.out.exported.Load()
		s.MemoryUsed = int64(rc.limit.batch) * spanMemory
	}
	s.MemoryUsed += int64(ring+s.Queued)*recordBytes + max(0, s.Live)*recordBytes + int64(slow)*slowBytes +
		rc.extra.Load() + int64(len(rc.ring))*8
	return s
}
