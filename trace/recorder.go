package trace

import (
	"sync/atomic"
	"unsafe"
)

// Recorder makes records, keeps the finished ones in a bounded ring, and hands
// them to its worker. Nothing that a request does here can block: the ring is a
// row of slots that are swapped, and what the worker did not come to in time is
// overwritten and counted.
type Recorder struct {
	opts  Options
	ring  []atomic.Pointer[Record] // the last finished records, oldest overwritten
	next  atomic.Uint64            // finished records so far; the next slot to fill
	wake  chan struct{}            // holds one token while there is work for the worker
	live  atomic.Int64             // records begun and not finished
	begun atomic.Uint64
	conns atomic.Uint64
	lost  Counters
	worker
}

// Counters tell what was not recorded, and why. They only grow.
type Counters struct {
	NotRecorded atomic.Uint64 // requests that came while too many were under way
	Overwritten atomic.Uint64 // finished records that the worker did not come to in time
	NotExported atomic.Uint64 // records that the exporter refused or had no time for
	Swept       atomic.Uint64 // records that never completed and were closed by the sweeper
}

// recordBytes is what one record takes, with its share of context and links.
const recordBytes = int64(unsafe.Sizeof(Record{})) + 128

// Start begins the record of a request: stream of conn, whose first byte was
// read at the given stamp. It returns nil, and counts, when as many requests
// are under way as the memory bound allows.
func (rc *Recorder) Start(conn *Conn, stream uint32, stamp int64) *Record {
	if rc.live.Add(1) > rc.opts.maxLive {
		rc.live.Add(-1)
		rc.lost.NotRecorded.Add(1)
		return nil
	}
	r := &Record{recorder: rc, conn: conn, begin: stamp, streamID: stream, id: rc.begun.Add(1)}
	r.traceID, r.spanID = newIDs()
	if conn != nil {
		conn.reqs.Add(1)
		if !conn.opened.Load() && conn.opened.CompareAndSwap(false, true) {
			r.Mark(MarkOpener)
		}
	}
	return r
}

// NewConn begins what the requests of one connection share.
func (rc *Recorder) NewConn(peer, local string) *Conn {
	c := &Conn{ID: rc.conns.Add(1), Peer: peer, Local: local}
	c.traceID, c.spanID = newIDs()
	return c
}

// finish puts a complete record into the ring. It is called once per record, on
// whichever goroutine brought the last event.
func (rc *Recorder) finish(r *Record) {
	rc.live.Add(-1)
	at := rc.next.Add(1) - 1
	rc.ring[at%uint64(len(rc.ring))].Store(r)
	select {
	case rc.wake <- struct{}{}:
	default: // the worker knows already
	}
}

// Lost returns the counters of what was not recorded.
func (rc *Recorder) Lost() *Counters { return &rc.lost }

// worker is the recorder's other half; see worker.go.
type worker struct{}

// Options bound and steer a recorder.
type Options struct {
	maxLive int64
	Redact  bool // keep no keys, only their sizes
}
