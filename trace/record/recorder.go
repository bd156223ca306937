package record

import (
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

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

// retention is what the recorder writes on a record for itself.
type retention struct {
	number uint64       // its number among the finished, from 1; set before it is put into the ring
	refs   atomic.Int32 // places that hold it: the ring, the slowest, the export queue
	extra  atomic.Int64 // bytes reserved for it beside its fixed size
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
	rc.storeParts(r)
	rc.store(r)
	select {
	case rc.wake <- struct{}{}:
	default: // the worker knows already
	}
}

func (rc *Recorder) storeParts(r *Record) {
	for _, part := range r.closeParts() {
		rc.storeParts(part.rec)
		part.rec.retain() // for r
		rc.store(part.rec)
	}
}

func (rc *Recorder) store(r *Record) {
	rc.live.Add(-1)
	r.clip()
	r.retain()
	r.kept.number = rc.next.Add(1)
	slot := &rc.ring[(r.kept.number-1)%uint64(len(rc.ring))]
	for {
		old := slot.Load()
		if old != nil && old.kept.number > r.kept.number {
			// This goroutine was held up between taking its number and coming
			// here while the others went once around the ring.
			r.release()
			return
		}
		if slot.CompareAndSwap(old, r) {
			old.release()
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
	r.kept.extra.Add(bytes)
	return true
}

func (r *Record) retain() { r.kept.refs.Add(1) }

func (r *Record) release() {
	if r == nil || r.kept.refs.Add(-1) != 0 {
		return
	}
	r.recorder.extra.Add(-r.kept.extra.Swap(0))
	parts, _ := r.parts()
	for _, part := range parts {
		part.rec.release()
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

// Options bound and steer a recorder. The zero value records everything within
// DefaultMemoryBytes and exports nothing.
type Options struct {
	// MemoryBytes bounds all that the recorder holds on to. It is shared out:
	//
	//	5/16  the ring of finished records, which is the flight recorder
	//	4/16  records of requests that are under way
	//	4/16  records that wait for the exporter; without one, the ring has them
	//	3/16  the slowest records, kept apart; the spans of one export; messages of streams
	//
	// Zero means DefaultMemoryBytes; less than minMemoryBytes is raised to it.
	MemoryBytes int64

	// Redact keeps no keys, only their sizes.
	Redact bool

	// Outlet receives sampled requests; nil exports nothing. The recorder calls it
	// from one goroutine and shuts it down in Close.
	Outlet Outlet
	// SampleRatio is the share of requests that are exported, by trace ID, from
	// 0 (none) to 1 (all). A client's own sampling decision outranks it.
	SampleRatio float64
	// SlowerThan keeps quicker requests from being exported; zero keeps none.
	SlowerThan time.Duration
	// ExportTimeout bounds one call of Outlet.Flush; zero means ten seconds.
	ExportTimeout time.Duration
	// OnError is told of an export that failed, at most once a second, on the
	// exporting goroutine; nil for nobody.
	OnError func(error)

	// DebugURL is where this process serves golang.org/x/net/trace's pages, such
	// as http://127.0.0.1:6060; timelines then link to the page on which the same
	// request is shown. Empty means that there is no such page.
	DebugURL string

	// Clock replaces Now in tests; it must never go backwards.
	Clock func() int64
}

// The bounds of Options.MemoryBytes.
const (
	DefaultMemoryBytes = 32 << 20
	minMemoryBytes     = 2 << 20
)

// What one record may hold on to: itself with all its stamps, its connection and one batch where
// nobody shares them, and its texts, which are clipped when it is finished.
const (
	maxMethod   = 256
	maxMessage  = 512
	recordBytes = int64(unsafe.Sizeof(Record{})+uintptr(len(writeStages)+len(seldomStages))*unsafe.Sizeof(interval{})+unsafe.Sizeof(Conn{})+unsafe.Sizeof(Batch{})+8*unsafe.Sizeof(linkSlot{})) +
		maxMethod + maxMessage
	// A record that outlives its neighbours keeps the names of all its batch's
	// members alive on its own.
	slowBytes = recordBytes + maxLinks*int64(unsafe.Sizeof(linkSlot{}))
)

// The spans of one export. The SDK's batch processor takes 512; here one Put has
// thirty, and four times as many spans in an export cost a third less for each.
const (
	maxBatch   = 2048
	minBatch   = 128
	spanMemory = 1 << 10 // of one span with its attributes, and of its encoding
)

// The slowest records that are kept apart, where the memory allows.
const (
	maxSlowest     = 256
	maxSlowStreams = 64
)

// budget is the memory bound in numbers of records.
type budget struct {
	ring, live, queue    int
	slowest, slowStreams int
	extra                int64 // bytes for repeated stages of streaming calls
	batch                int   // spans of one export
}

func (o *Options) fill() budget {
	if o.MemoryBytes == 0 {
		o.MemoryBytes = DefaultMemoryBytes
	}
	o.MemoryBytes = max(o.MemoryBytes, minMemoryBytes)
	if o.ExportTimeout <= 0 {
		o.ExportTimeout = 10 * time.Second
	}
	if o.Clock == nil {
		o.Clock = Now
	}
	part := o.MemoryBytes / 16
	b := budget{
		ring: int(5 * part / recordBytes), live: int(4 * part / recordBytes), queue: int(4 * part / recordBytes),
		slowest:     int(min(maxSlowest, part*6/5/slowBytes)),
		slowStreams: int(min(maxSlowStreams, part*3/10/slowBytes)),
		batch:       int(min(maxBatch, max(minBatch, part/spanMemory))),
		extra:       part / 2,
	}
	if o.Outlet == nil {
		b.ring, b.queue = b.ring+b.queue, 0
	}
	b.slowest, b.slowStreams = max(1, b.slowest), max(1, b.slowStreams)
	return b
}
