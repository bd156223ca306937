package record

import (
	"strings"
	"sync/atomic"

	"glasskv/trace"
)

// Recorder makes records, keeps the finished ones in a bounded ring, and hands
// them to its worker. Nothing that a request does here can block: the ring is a
// row of slots that are swapped, and what the worker did not come to in time is
// overwritten and counted.
//
// The ring is the flight recorder and the worker's queue at once. Records are
// numbered as they finish; number n goes to slot n modulo the ring's length, and
// the worker follows the numbers with a cursor of its own.
type Recorder struct {
	opts        Options
	limit       budget
	ring        []atomic.Pointer[Record] // the last finished records, oldest overwritten
	next        atomic.Uint64            // finished records so far; the next number to give
	wake        chan struct{}            // holds one token while there is work for the worker
	live        atomic.Int64             // records begun and not finished
	begun       atomic.Uint64
	conns       atomic.Uint64
	failed      atomic.Uint64        // connections that never carried a request
	lastFailure atomic.Pointer[Conn] // the last of them
	extra       atomic.Int64         // bytes that records hold beside their fixed size
	lost        Counters
	hist        histograms
	faults      faultLog
	worker
}

// Counters tell what was not recorded, and why. They only grow.
type Counters struct {
	NotRecorded atomic.Uint64 // requests that came while too many were under way
	Overwritten atomic.Uint64 // finished records that the worker did not come to in time
	NotExported atomic.Uint64 // records that the exporter refused or had no time for
	NotEmbedded atomic.Uint64 // parts of requests that were made of too many
	Swept       atomic.Uint64 // records that never completed and were closed by the sweeper
}

// shelf is what the recorder writes on a record for itself.
type shelf struct {
	finished uint64       // its number among the finished, from 1; set before it is put into the ring
	holders  atomic.Int32 // places that hold it: the ring, the slowest, the export queue
	extra    atomic.Int64 // bytes reserved for it beside its fixed size
}

// NewRecorder starts a recorder and its worker. Close ends both.
func NewRecorder(opts Options) *Recorder {
	limit := opts.fill()
	rc := &Recorder{
		opts: opts, limit: limit,
		ring: make([]atomic.Pointer[Record], limit.ring),
		wake: make(chan struct{}, 1),
	}
	rc.worker.start(rc)
	return rc
}

// Start begins the record of a request: stream of conn, whose first byte was
// read at the given stamp. It returns nil, and counts, when as many requests
// are under way as the memory bound allows.
func (rc *Recorder) Start(conn *Conn, stream uint32, stamp int64) *Record {
	if rc.live.Add(1) > int64(rc.limit.live) {
		rc.live.Add(-1)
		rc.lost.NotRecorded.Add(1)
		return nil
	}
	r := &Record{recorder: rc, conn: conn, begin: stamp, streamID: stream, id: rc.begun.Add(1)}
	r.traceID, r.spanID = trace.NewIDs()
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
	c := &Conn{ID: rc.conns.Add(1), Peer: peer, Local: local, recorder: rc}
	c.traceID, c.spanID = trace.NewIDs()
	return c
}

// finish puts a complete record into the ring, and those that it is made of in
// front of it: each takes a place there, so that the ring's length bounds them
// all. It is called once per record that is no part of another, on whichever
// goroutine brought the last event.
func (rc *Recorder) finish(r *Record) {
	rc.shelveParts(r)
	rc.shelve(r)
	select {
	case rc.wake <- struct{}{}:
	default: // the worker knows already
	}
}

func (rc *Recorder) shelveParts(r *Record) {
	for _, part := range r.closeParts() {
		rc.shelveParts(part.rec)
		part.rec.hold() // for r
		rc.shelve(part.rec)
	}
}

func (rc *Recorder) shelve(r *Record) {
	rc.live.Add(-1)
	r.clip()
	r.hold()
	r.shelf.finished = rc.next.Add(1)
	slot := &rc.ring[(r.shelf.finished-1)%uint64(len(rc.ring))]
	for {
		old := slot.Load()
		if old != nil && old.shelf.finished > r.shelf.finished {
			// This goroutine was held up between taking its number and coming
			// here while the others went once around the ring.
			r.drop()
			return
		}
		if slot.CompareAndSwap(old, r) {
			old.drop()
			return
		}
	}
}

// Redacts reports whether keys are left out of the records.
func (rc *Recorder) Redacts() bool { return rc.opts.Redact }

// Lost returns the counters of what was not recorded.
func (rc *Recorder) Lost() *Counters { return &rc.lost }

// reserve asks for memory beside a record's fixed size. It reports false when
// the bound does not allow it; what is granted is given back when nothing of
// the recorder's holds the record any more.
func (r *Record) reserve(bytes int64) bool {
	rc := r.recorder
	if rc.extra.Add(bytes) > rc.limit.extra {
		rc.extra.Add(-bytes)
		return false
	}
	r.shelf.extra.Add(bytes)
	return true
}

func (r *Record) hold() { r.shelf.holders.Add(1) }

func (r *Record) drop() {
	if r == nil || r.shelf.holders.Add(-1) != 0 {
		return
	}
	r.recorder.extra.Add(-r.shelf.extra.Swap(0))
	parts, _ := r.parts()
	for _, part := range parts {
		part.rec.drop()
	}
}

// clip bounds the texts that came from the client or quote it, and lets go of
// the longer ones behind them.
func (r *Record) clip() {
	if len(r.facts.Method) > maxMethod {
		r.facts.Method = strings.Clone(r.facts.Method[:maxMethod])
	}
	if m := r.message.Load(); m != nil && len(*m) > maxMessage {
		short := strings.Clone((*m)[:maxMessage]) + "…"
		r.message.CompareAndSwap(m, &short)
	}
}
