package record

import (
	"time"
	"unsafe"
)

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
	// Zero means DefaultMemoryBytes; less than MinMemoryBytes is raised to it.
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
	MinMemoryBytes     = 2 << 20
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
	o.MemoryBytes = max(o.MemoryBytes, MinMemoryBytes)
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
