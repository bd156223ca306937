package trace

import "sync/atomic"

// Batch is work done once for many requests: one WAL save with its fsync, or
// one read round. The goroutine that does the work stamps it and adds the
// requests; each request's record points to it.
type Batch struct {
	Kind Stage // WALSave or ReadIndex

	traceID ids
	spanID  uint64
	outer   interval // WALSave, or ReadIndex
	inner   interval // WALSync, or ReadWaitApplied
	members atomic.Int32
	bytes   atomic.Int64
	// SyncInferred is set when the fsync's place inside the save is worked out
	// and not stamped. It is set before the batch's end is stamped.
	SyncInferred atomic.Bool
	links        []Link // at most maxLinks; owned by the goroutine that does the work until the end is stamped
}

// Link names a span of another trace.
type Link struct {
	Trace ids
	Span  uint64
}

// maxLinks bounds the requests that a batch remembers by name; all are counted.
const maxLinks = 256

// NewBatch begins a batch.
func NewBatch(kind Stage) *Batch {
	b := &Batch{Kind: kind}
	b.traceID, b.spanID = newIDs()
	return b
}

// Add counts one more request, or one that is not recorded when r is nil.
func (b *Batch) Add(r *Record) {
	b.members.Add(1)
	if r != nil && len(b.links) < maxLinks {
		b.links = append(b.links, Link{r.traceID, r.spanID})
	}
}

// Grow makes room for n requests at once.
func (b *Batch) Grow(n int) { b.links = make([]Link, 0, min(n, maxLinks)) }

// Members returns how many requests share the batch.
func (b *Batch) Members() int { return int(b.members.Load()) }

// AddBytes counts the bytes of the entries that were saved.
func (b *Batch) AddBytes(n int) { b.bytes.Add(int64(n)) }

// Begin stamps the beginning of the batch's work.
func (b *Batch) Begin(stamp int64) { b.outer.begin.Store(stamp) }

// End stamps its end.
func (b *Batch) End(stamp int64) { b.outer.end.Store(stamp) }

// Inner stamps the stage inside: the fsync of a save, the wait for the applied
// index of a read round.
func (b *Batch) Inner(begin, end int64) {
	b.inner.begin.Store(begin)
	b.inner.end.Store(end)
}
