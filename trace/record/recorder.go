package record

import (
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"glasskv/trace"
)

// Recorder makes records and keeps the finished ones in a ring, from which its worker
// takes them. Requests never block on it: they swap records into the ring's slots and
// overwrite those that the worker has not processed in time, which are counted. All
// methods may be called by any number of goroutines at once.
//
// The ring is at once the flight recorder, which Last and WaitFor read, and the worker's
// queue. Records are numbered from 1 as they finish. Number n goes to slot
// (n-1) % len(ring):
//
//	a ring of 8 slots after 21 records, of which the worker has processed 15
//
//	slot      0    1    2    3    4    5    6    7
//	       ┌────┬────┬────┬────┬────┬────┬────┬────┐
//	number │ 17 │ 18 │ 19 │ 20 │ 21 │ 14 │ 15 │ 16 │
//	       └────┴────┴────┴────┴────┴────┴────┴────┘
//	                             ▲    ▲         ▲
//	                     next = 21    │         cursor: seen = 15, so 16 is processed next
//	                                  22 goes here and overwrites 14
//
// If number 24 finishes before the worker has come to 16, 16 is lost to subscribers,
// histograms and exporter, and counted in Counters.Overwritten.
type Recorder struct {
	opts        Options
	limit       budget
	ring        []atomic.Pointer[Record] // the last finished records
	next        atomic.Uint64            // finished records so far, which is the last number given
	wake        chan struct{}            // holds one token while there is work for the worker
	live        atomic.Int64             // records begun and not finished
	begun       atomic.Uint64            // records begun so far
	conns       atomic.Uint64            // connections so far
	failed      atomic.Uint64            // connections that never carried a request
	lastFailure atomic.Pointer[Conn]     // the last of them
	extra       atomic.Int64             // bytes reserved by records; see reserve
	lost        Counters
	hist        histograms
	faults      faultLog
	worker
}

// Counters count what was not recorded, by reason. They only grow.
type Counters struct {
	NotRecorded atomic.Uint64 // requests that began while too many were under way
	Overwritten atomic.Uint64 // finished records that the worker did not process in time
	NotExported atomic.Uint64 // records that the outlet could not send or the export queue had no room for
	NotEmbedded atomic.Uint64 // parts that were left out because their request had the most it may have
	Swept       atomic.Uint64 // records whose last event never came and that the sweeper closed
}

// retention is what the recorder notes on a record about keeping it.
type retention struct {
	number uint64       // ordinal among the finished records, from 1; set before the record is in the ring
	refs   atomic.Int32 // references: from the ring, the slowest, the export queue, an outer record
	extra  atomic.Int64 // bytes that the record has reserved
}

// NewRecorder returns a recorder whose worker runs until Close.
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

// Start returns the record of a request that begins at the given stamp, on an HTTP/2
// stream of conn. Without a connection conn is nil, and without a stream stream is zero.
// If as many requests are under way as the memory bound allows, Start returns nil and
// counts the request as not recorded.
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

// NewConn returns a Conn for a connection between the addresses peer and local.
func (rc *Recorder) NewConn(peer, local string) *Conn {
	c := &Conn{ID: rc.conns.Add(1), Peer: peer, Local: local, recorder: rc}
	c.traceID, c.spanID = trace.NewIDs()
	return c
}

// finish puts a complete record into the ring, after its parts. Parts take slots of their
// own, so that the ring's length bounds them too. It is called once for each record that
// is not embedded, by the goroutine that completed it.
func (rc *Recorder) finish(r *Record) {
	rc.storeParts(r)
	rc.store(r)
	select {
	case rc.wake <- struct{}{}:
	default: // the token is there already
	}
}

// storeParts puts the parts of r into the ring, each after its own parts. r keeps a
// reference to them.
func (rc *Recorder) storeParts(r *Record) {
	for _, part := range r.closeParts() {
		rc.storeParts(part.rec)
		part.rec.retain()
		rc.store(part.rec)
	}
}

// store numbers a record and puts it into its slot of the ring.
func (rc *Recorder) store(r *Record) {
	rc.live.Add(-1)
	r.clip()
	r.retain()
	r.kept.number = rc.next.Add(1)
	slot := &rc.ring[(r.kept.number-1)%uint64(len(rc.ring))]
	for {
		old := slot.Load()
		if old != nil && old.kept.number > r.kept.number {
			// Others went once around the ring since this goroutine took its number:
			// r counts as overwritten.
			r.release()
			return
		}
		if slot.CompareAndSwap(old, r) {
			old.release()
			return
		}
	}
}

// Redacts reports whether the recorder keeps no keys; see Options.Redact.
func (rc *Recorder) Redacts() bool { return rc.opts.Redact }

// Lost returns the counters of what was not recorded. A seam adds to Swept.
func (rc *Recorder) Lost() *Counters { return &rc.lost }

// reserve reserves memory beside the fixed size of a record. It returns false if the
// bound does not allow it. The memory is given back when the last reference to the
// record is released.
func (r *Record) reserve(bytes int64) bool {
	rc := r.recorder
	if rc.extra.Add(bytes) > rc.limit.extra {
		rc.extra.Add(-bytes)
		return false
	}
	r.kept.extra.Add(bytes)
	return true
}

// retain adds a reference to the record.
func (r *Record) retain() { r.kept.refs.Add(1) }

// release removes a reference. The last one gives back the record's reserved memory and
// its references to its parts.
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

// clip bounds the texts that a client can make long. It copies them, so that the long
// originals can be collected.
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
	Begun       uint64 `json:"begun"`    // records begun since the recorder started
	Finished    uint64 `json:"finished"` // of these, finished
	Live        int64  `json:"live"`     // of these, under way
	Seen        uint64 `json:"seen"`     // of the finished ones, those that the worker has processed or lost
	Exported    uint64 `json:"exported"` // records whose spans were sent
	Queued      int    `json:"queued"`   // records that wait for the exporter
	Kept        int    `json:"kept"`     // records that can be looked up
	MemoryBound int64  `json:"memory_bound_bytes"`
	MemoryUsed  int64  `json:"memory_used_bytes"` // an upper estimate
	NotRecorded uint64 `json:"lost_not_recorded"` // this and the next four: see Counters
	Overwritten uint64 `json:"lost_overwritten"`
	NotExported uint64 `json:"lost_not_exported"`
	NotEmbedded uint64 `json:"lost_not_embedded"`
	Swept       uint64 `json:"swept"`

	FailedConns uint64 `json:"failed_connections"`               // connections that never carried a request
	LastFailure string `json:"last_failed_connection,omitempty"` // peer and reason of the last of them
}

// Stats returns the recorder's state. The numbers are read one after the other while
// requests go on, so they may not add up exactly.
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
	s.Kept = ring + slow // a slow record that is still in the ring counts twice
	if rc.out != nil {
		s.Queued, s.Exported = int(rc.out.queued.Load()), rc.out.exported.Load()
		s.MemoryUsed = int64(rc.limit.batch) * spanMemory
	}
	s.MemoryUsed += int64(ring+s.Queued)*recordBytes + max(0, s.Live)*recordBytes + int64(slow)*slowBytes +
		rc.extra.Load() + int64(len(rc.ring))*8
	return s
}

// Options configures a Recorder. The zero value records all requests within
// DefaultMemoryBytes and exports none.
type Options struct {
	// MemoryBytes bounds the memory that the recorder keeps. It is divided up:
	//
	//	5/16  the ring of finished records
	//	4/16  records of requests that are under way
	//	4/16  records that wait for the exporter; added to the ring's if there is no Outlet
	//	3/16  the slowest records; the spans of one export; repeats of streaming calls
	//
	// Zero means DefaultMemoryBytes. Less than 2 MiB is raised to 2 MiB.
	MemoryBytes int64

	// Redact keeps the sizes of keys and not the keys.
	Redact bool

	// Outlet receives the sampled requests. If it is nil, none are exported. The
	// recorder calls it from one goroutine and shuts it down in Close.
	Outlet Outlet
	// SampleRatio is the share of requests that are sampled, from 0 (none) to 1 (all),
	// chosen by trace ID. For a request that came with a traceparent, its sampled flag
	// decides instead.
	SampleRatio float64
	// SlowerThan excludes requests that took less from being exported. Zero excludes
	// none.
	SlowerThan time.Duration
	// ExportTimeout bounds one call of Outlet.Flush. Zero means ten seconds.
	ExportTimeout time.Duration
	// OnError, if it is not nil, is called with the error of a failed export, at most
	// once a second, on the exporting goroutine.
	OnError func(error)

	// DebugURL is where this process serves the pages of golang.org/x/net/trace, such
	// as http://127.0.0.1:6060. Timelines link to the page that shows the same request.
	// If it is empty, they have no such link.
	DebugURL string

	// Clock replaces Now for the rate of OnError, in tests. It must never go backwards.
	Clock func() int64
}

// The bounds of Options.MemoryBytes.
const (
	DefaultMemoryBytes = 32 << 20
	minMemoryBytes     = 2 << 20
)

// footprint is the memory that one record can keep, if it shares nothing with others. It
// is never allocated, only measured. Every field of Record that points to memory has a
// part here, except those whose memory is counted by reserve; a test checks that none is
// forgotten.
//
//nolint:unused // only its size is used
type footprint struct {
	record  Record
	write   [len(writeStages)]interval
	seldom  [len(seldomStages)]interval
	conn    Conn
	save    Batch       // the batch of a save or of a read round: a request has one of them
	links   [8]linkSlot // save's links; NewBatch gets the number of requests that share it
	method  [maxMethod]byte
	message [maxMessage]byte
}

const (
	maxMethod  = 256 // bytes after which clip cuts off Facts.Method
	maxMessage = 512 // bytes after which clip cuts off the message

	recordBytes = int64(unsafe.Sizeof(footprint{}))
	// A slow record outlives the others of its batch, and alone keeps the whole batch.
	slowBytes = recordBytes + maxLinks*int64(unsafe.Sizeof(linkSlot{}))
)

// The spans of one export. The SDK's batch processor takes 512. Here one Put has thirty,
// and an export of four times 512 costs a third less for each span.
const (
	maxBatch   = 2048
	minBatch   = 128
	spanMemory = 1 << 10 // bytes of one span with its attributes, and of its encoding
)

// How many of the slowest records are kept at most; fewer if the memory does not suffice.
const (
	maxSlowest     = 256
	maxSlowStreams = 64
)

// budget is the memory bound as numbers of records.
type budget struct {
	ring, live, queue    int
	slowest, slowStreams int
	extra                int64 // bytes that records may reserve for repeats
	batch                int   // spans of one export
}

// fill replaces zero values by the defaults and returns the budget.
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
	sixteenth := o.MemoryBytes / 16
	b := budget{
		ring: int(5 * sixteenth / recordBytes), live: int(4 * sixteenth / recordBytes), queue: int(4 * sixteenth / recordBytes),
		slowest:     int(min(maxSlowest, sixteenth*6/5/slowBytes)),
		slowStreams: int(min(maxSlowStreams, sixteenth*3/10/slowBytes)),
		batch:       int(min(maxBatch, max(minBatch, sixteenth/spanMemory))),
		extra:       sixteenth / 2,
	}
	if o.Outlet == nil {
		b.ring, b.queue = b.ring+b.queue, 0
	}
	b.slowest, b.slowStreams = max(1, b.slowest), max(1, b.slowStreams)
	return b
}
