package record

import (
	"slices"
	"strconv"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Conn is what the requests of one connection share: its stamps and its names.
// Its stages belong to the request that opened it; later requests link to it
// and say "reused".
type Conn struct {
	ID          uint64 // ordinal of the connection in this process, from 1
	Peer, Local string // addresses
	Protocol    string // "tcp", or a TLS version

	// TLS is what the handshake agreed on; nil where there was none, or it
	// failed. Backoff tells of the accepts that failed before this connection was
	// accepted. Both are set before the first request begins.
	TLS     *TLSFacts
	Backoff BackoffFacts

	// Faults are those that struck the connection, set before its first request
	// begins as well.
	Faults []ConnFault

	traceID  trace.ID
	spanID   uint64
	stamps   [stages.LastConn - stages.FirstConn + 1]interval
	opened   atomic.Bool  // its first request has come
	exported atomic.Bool  // its spans have gone out with a request's
	reqs     atomic.Int64 // requests so far
	failure  atomic.Pointer[string]
	recorder *Recorder // which counts the connections that failed
}

// TLSFacts is what a TLS handshake agreed on, in the words of crypto/tls.
type TLSFacts struct {
	Version    string // "TLS 1.3"
	Cipher     string // "TLS_AES_128_GCM_SHA256"
	ALPN       string // the protocol that was agreed on; empty for none
	ServerName string // what the client asked for by SNI; empty for an address
	PeerName   string // the common name of the client's certificate; empty without one
	Resumed    bool   // the keys of an earlier connection were taken up again
}

// BackoffFacts tells of accepts that failed, in a row.
type BackoffFacts struct {
	Attempts int    // how many; zero when none did
	Error    string // what the last of them said
}

// Begin stamps the beginning of one of the connection's stages.
func (c *Conn) Begin(s stages.Stage) {
	if b := &c.stamps[s-stages.FirstConn].begin; b.Load() == 0 {
		b.Store(Now())
	}
}

// BeginAt is Begin with a stamp that was taken already.
func (c *Conn) BeginAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].begin.Store(stamp) }

// End stamps the end of one of the connection's stages.
func (c *Conn) End(s stages.Stage) { c.stamps[s-stages.FirstConn].end.Store(Now()) }

// EndAt is End with a stamp that was taken already.
func (c *Conn) EndAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].end.Store(stamp) }

// Stamps returns a stage's begin and end; zero is "not stamped".
func (c *Conn) Stamps(s stages.Stage) (begin, end int64) {
	i := &c.stamps[s-stages.FirstConn]
	return i.begin.Load(), i.end.Load()
}

// StageSpan names the span of one of the connection's stages.
func (c *Conn) StageSpan(s stages.Stage) trace.Link {
	return trace.Link{Trace: c.traceID, Span: trace.ChildID(c.spanID, int(s))}
}

// Parent returns the connection's stage that a stage of it lies in; None when it
// has none that was stamped.
func (c *Conn) Parent(stage stages.Stage) stages.Stage {
	for outer := stages.SpecOf(stage).Parent; outer != stages.None; outer = stages.SpecOf(outer).Parent {
		if begin, _ := c.Stamps(outer); begin != 0 {
			return outer
		}
	}
	return stages.None
}

// Fail notes why the connection never carried a request, and makes a finished
// record of it: what it is that one finds who looks for a client that could not
// get in. Of several reasons the first counts; a connection that did carry a
// request has not failed. It may be called by anyone and does not wait.
func (c *Conn) Fail(why string) {
	now, rc := Now(), c.recorder
	if rc == nil || c.reqs.Load() > 0 || !c.failure.CompareAndSwap(nil, &why) {
		return
	}
	rc.failed.Add(1)
	rc.lastFailure.Store(c)
	r := rc.Start(c, 0, c.begun(now))
	if r == nil {
		return // counted as not recorded
	}
	r.Mark(MarkConnection)
	if begin, _ := c.Stamps(stages.HTTPConn); begin != 0 {
		r.BeginAt(stages.HTTPReadRequest, begin) // what net/http does first, and has not come to the end of
	}
	r.message.Store(&why)
	r.SetEnd(now)
	r.Done(AllEvents)
}

// begun returns the first stamp of the connection's stages; without any, the
// given one.
func (c *Conn) begun(now int64) int64 {
	first := now
	for i := range c.stamps {
		if begin := c.stamps[i].begin.Load(); begin != 0 {
			first = min(first, begin)
		}
	}
	return first
}

// Attributes returns what is known of one of the connection's stages.
func (c *Conn) Attributes(s stages.Stage) map[string]string {
	var pairs []string
	switch {
	case s == stages.TLSHandshake && c.TLS != nil:
		pairs = []string{
			trace.AttrTLSVersion, c.TLS.Version, trace.AttrTLSCipher, c.TLS.Cipher, trace.AttrTLSALPN, c.TLS.ALPN,
			trace.AttrTLSServerName, c.TLS.ServerName, trace.AttrTLSPeer, c.TLS.PeerName, trace.AttrTLSResumed, "",
		}
		if c.TLS.Resumed {
			pairs[len(pairs)-1] = "true"
		}
	case s == stages.AcceptBackoff && c.Backoff.Attempts > 0:
		pairs = []string{trace.AttrAttempts, strconv.Itoa(c.Backoff.Attempts), trace.AttrError, c.Backoff.Error}
	default:
		return nil
	}
	attrs := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			attrs[pair[0]] = trace.ValidUTF8(pair[1])
		}
	}
	return attrs
}

// Span names the span of the connection as a whole.
func (c *Conn) Span() trace.Link { return trace.Link{Trace: c.traceID, Span: c.spanID} }

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

// BusyBefore notes when the goroutine that does the work was busy with the batch
// before. Who waited for this batch waited for that one first.
func (b *Batch) BusyBefore(begin, end int64) {
	b.before.begin.Store(begin)
	b.before.end.Store(end)
}

// BeginAt stamps the beginning of the batch's work.
func (b *Batch) BeginAt(stamp int64) { b.outer.begin.Store(stamp) }

// EndAt stamps its end.
func (b *Batch) EndAt(stamp int64) { b.outer.end.Store(stamp) }

// InnerAt stamps the stage inside: the fsync of a save, the wait for the applied
// index of a read round.
func (b *Batch) InnerAt(begin, end int64) {
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

// Released returns the stamp at which the batch's last stage ended: its requests go
// on from there. Zero means that no stage has ended.
func (b *Batch) Released() int64 { return max(b.outer.end.Load(), b.inner.end.Load()) }

// complete reports whether all of the batch's stamps are set, so that its spans
// will not change any more. A request that ended before its batch did, because
// its client went away, has the batch's stages among its own spans instead.
func (b *Batch) complete() bool {
	if b.outer.end.Load() == 0 {
		return false
	}
	return b.Kind != stages.ReadIndex || b.inner.end.Load() != 0
}

// StageSpan names the span of one of the batch's two stages.
func (b *Batch) StageSpan(s stages.Stage) trace.Link {
	if s == b.Kind {
		return trace.Link{Trace: b.traceID, Span: b.spanID}
	}
	return trace.Link{Trace: b.traceID, Span: trace.ChildID(b.spanID, int(s))}
}

// InnerStage returns the stage inside the batch's own.
func (b *Batch) InnerStage() stages.Stage {
	if b.Kind == stages.ReadIndex {
		return stages.ReadWaitApplied
	}
	return stages.WALSync
}

// Stamps returns the begin and end of one of the batch's two stages; zero is "not
// stamped".
func (b *Batch) Stamps(s stages.Stage) (begin, end int64) {
	i := &b.outer
	if s != b.Kind {
		i = &b.inner
	}
	return i.begin.Load(), i.end.Load()
}
