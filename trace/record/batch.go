package record

import (
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Batch is work done once for many requests: one WAL save with its fsync, or
// one read round. The goroutine that does the work stamps it and adds the
// requests; each request's record points to it.
type Batch struct {
	Kind stages.Stage // WALSave or ReadIndex

	traceID trace.ID
	spanID  uint64
	outer   interval // WALSave, or ReadIndex
	inner   interval // WALSync, or ReadWaitApplied
	before  interval // the Ready that the raft loop was busy with until it came to this one
	members atomic.Int32
	// SyncInferred is set when the fsync's place inside the save is worked out
	// and not stamped. It is set before the batch's end is stamped.
	SyncInferred atomic.Bool
	failure      atomic.Pointer[string]
	exported     atomic.Bool // its spans have gone out with a request's
	counted      atomic.Bool // it stands in the histograms
	links        []linkSlot  // filled in the order of Add, from any goroutine
}

// linkSlot holds a Link that one goroutine writes while others may read: the
// span is stored last and read first, and zero means "not there yet".
type linkSlot struct{ hi, lo, span atomic.Uint64 }

// maxLinks bounds the requests that a batch remembers by name; all are counted.
const maxLinks = 256

// NewBatch begins a batch that can name up to n requests; more are counted
// without being named.
func NewBatch(kind stages.Stage, n int) *Batch {
	b := &Batch{Kind: kind, links: make([]linkSlot, min(n, maxLinks))}
	b.traceID, b.spanID = trace.NewIDs()
	return b
}

// Add counts one more request and remembers its name, if it is recorded. It may
// be called by many goroutines at once.
func (b *Batch) Add(r *Record) {
	at := int(b.members.Add(1)) - 1
	if r == nil || at >= len(b.links) {
		return
	}
	slot := &b.links[at]
	slot.hi.Store(r.traceID.Hi)
	slot.lo.Store(r.traceID.Lo)
	slot.span.Store(r.spanID)
}

// Links returns the spans of the requests that share the batch, as far as they
// are recorded.
func (b *Batch) Links() []trace.Link {
	all := make([]trace.Link, 0, len(b.links))
	for i := range b.links {
		slot := &b.links[i]
		if span := slot.span.Load(); span != 0 {
			all = append(all, trace.Link{Trace: trace.ID{Hi: slot.hi.Load(), Lo: slot.lo.Load()}, Span: span})
		}
	}
	return all
}

// Members returns how many requests share the batch.
func (b *Batch) Members() int { return int(b.members.Load()) }

// After notes when the goroutine that does the work was busy with the batch
// before. Who waited for this batch waited for that one first.
func (b *Batch) After(begin, end int64) {
	b.before.begin.Store(begin)
	b.before.end.Store(end)
}

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

// Fail notes why the batch's work was not done, such as a disk that refused it.
// It is called before the end is stamped.
func (b *Batch) Fail(why string) { b.failure.Store(&why) }

// Attributes are those of the batch's outer stage; nil for none.
func (b *Batch) Attributes() map[string]string {
	why := b.failure.Load()
	if why == nil {
		return nil
	}
	return map[string]string{trace.AttrFailure: trace.ValidUTF8(*why)}
}

// Stamps returns the begin of the batch's first stage and the end of its last;
// zero is "not stamped".
func (b *Batch) Stamps() (begin, end int64) {
	return b.outer.begin.Load(), max(b.outer.end.Load(), b.inner.end.Load())
}

// complete reports whether all of the batch's stamps are set, so that its spans
// will not change any more. A request that ended before its batch did, because
// its client went away, has the batch's stages among its own spans instead.
func (b *Batch) complete() bool {
	if b.outer.end.Load() == 0 {
		return false
	}
	return b.Kind != stages.ReadIndex || b.inner.end.Load() != 0
}

// Span names the span of one of the batch's two stages.
func (b *Batch) Span(s stages.Stage) trace.Link {
	if s == b.Kind {
		return trace.Link{Trace: b.traceID, Span: b.spanID}
	}
	return trace.Link{Trace: b.traceID, Span: trace.ChildID(b.spanID, int(s))}
}

// Inside returns the stage inside the batch's own.
func (b *Batch) Inside() stages.Stage {
	if b.Kind == stages.ReadIndex {
		return stages.ReadWaitApplied
	}
	return stages.WALSync
}

// Times returns the begin and end of one of the batch's two stages; zero is "not
// stamped".
func (b *Batch) Times(s stages.Stage) (begin, end int64) {
	i := &b.outer
	if s != b.Kind {
		i = &b.inner
	}
	return i.begin.Load(), i.end.Load()
}
