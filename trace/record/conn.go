package record

import (
	"slices"
	"strconv"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Conn is a connection: the stamps of its stages, FirstConn to LastConn, and what is
// known of it. Its stages are shown in the timeline of the request that opened it;
// the timelines of later requests call it reused and link to its spans.
//
// Each stage is stamped by the goroutine that does its work; its stamps may be read
// by any goroutine at any time. The exported fields are set before the first request
// of the connection begins, and only read after that.
type Conn struct {
	ID          uint64 // ordinal of the connection in this process, from 1
	Peer, Local string // addresses of the client's end and of ours
	Protocol    string // "tcp", or a TLS version

	TLS     *TLSFacts    // nil without TLS, and if the handshake failed
	Backoff BackoffFacts // the Accept calls that failed just before this connection was accepted
	Faults  []ConnFault  // the faults that struck the connection

	traceID  trace.ID
	spanID   uint64
	stamps   [stages.LastConn - stages.FirstConn + 1]interval
	opened   atomic.Bool            // its first request has begun
	exported atomic.Bool            // its spans were given to the outlet
	reqs     atomic.Int64           // requests so far
	failure  atomic.Pointer[string] // see Fail
	recorder *Recorder
}

// TLSFacts is the outcome of a TLS handshake, in the words of crypto/tls.
type TLSFacts struct {
	Version    string // such as "TLS 1.3"
	Cipher     string // such as "TLS_AES_128_GCM_SHA256"
	ALPN       string // the negotiated protocol; empty if there is none
	ServerName string // the name in the client's SNI extension; empty if it sent none
	PeerName   string // common name of the client's certificate; empty without one
	Resumed    bool   // an earlier session was resumed
}

// BackoffFacts describes Accept calls that failed one after the other.
type BackoffFacts struct {
	Attempts int    // failed calls; zero if none failed
	Error    string // error of the last one
}

// Begin stamps the beginning of a stage with the current time. If a stage begins
// several times, the first counts.
func (c *Conn) Begin(s stages.Stage) {
	if b := &c.stamps[s-stages.FirstConn].begin; b.Load() == 0 {
		b.Store(Now())
	}
}

// BeginAt sets the stamp at which a stage begins.
func (c *Conn) BeginAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].begin.Store(stamp) }

// End stamps the end of a stage with the current time.
func (c *Conn) End(s stages.Stage) { c.stamps[s-stages.FirstConn].end.Store(Now()) }

// EndAt sets the stamp at which a stage ends.
func (c *Conn) EndAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].end.Store(stamp) }

// Stamps returns the stamps of a stage's beginning and end, each zero if it was not
// stamped.
func (c *Conn) Stamps(s stages.Stage) (begin, end int64) {
	i := &c.stamps[s-stages.FirstConn]
	return i.begin.Load(), i.end.Load()
}

// Span returns the IDs of the connection's own span.
func (c *Conn) Span() trace.Link { return trace.Link{Trace: c.traceID, Span: c.spanID} }

// StageSpan returns the IDs of the span of one of the connection's stages.
func (c *Conn) StageSpan(s stages.Stage) trace.Link {
	return trace.Link{Trace: c.traceID, Span: trace.ChildID(c.spanID, int(s))}
}

// Parent returns the nearest stage around a stage of the connection that was stamped,
// or None.
func (c *Conn) Parent(stage stages.Stage) stages.Stage {
	for outer := stages.SpecOf(stage).Parent; outer != stages.None; outer = stages.SpecOf(outer).Parent {
		if begin, _ := c.Stamps(outer); begin != 0 {
			return outer
		}
	}
	return stages.None
}

// Fail reports why the connection never carried a request. It counts the connection
// as failed and makes a finished record of it, marked with MarkConnection, in which an
// operator finds a client that could not connect. If the connection carried a request
// or has failed before, Fail does nothing. It may be called by any goroutine and does
// not block.
func (c *Conn) Fail(why string) {
	now, rc := Now(), c.recorder
	if rc == nil || c.reqs.Load() > 0 || !c.failure.CompareAndSwap(nil, &why) {
		return
	}
	rc.failed.Add(1)
	rc.lastFailure.Store(c)
	r := rc.Start(c, 0, c.firstStamp(now))
	if r == nil {
		return // Start has counted it as not recorded
	}
	r.Mark(MarkConnection)
	if begin, _ := c.Stamps(stages.HTTPConn); begin != 0 {
		r.BeginAt(stages.HTTPReadRequest, begin) // net/http's first stage, which it did not complete
	}
	r.message.Store(&why)
	r.SetEnd(now)
	r.Done(AllEvents)
}

// firstStamp returns the earliest stamp of the connection's stages, or now if that is
// earlier.
func (c *Conn) firstStamp(now int64) int64 {
	first := now
	for i := range c.stamps {
		if begin := c.stamps[i].begin.Load(); begin != 0 {
			first = min(first, begin)
		}
	}
	return first
}

// Attributes returns the attributes of a stage's row: the TLS facts for the handshake,
// the back-off facts for the back-off, nil for every other stage.
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

// Batch is work that is done once for several requests: a WAL save with its fsync, or a
// read round. It has two stages. Those of a save are WALSave and, inside it, WALSync;
// those of a read round are ReadIndex and, after it, ReadWaitApplied. The goroutine that
// does the work stamps the stages. The record of each request points to the batch; see
// SetSave and SetRound.
type Batch struct {
	Kind stages.Stage // its first stage: WALSave or ReadIndex

	// SyncInferred says that the stamps of WALSync were calculated, not taken. It is
	// set before the end of WALSave.
	SyncInferred atomic.Bool

	traceID  trace.ID
	spanID   uint64
	first    interval     // the stamps of WALSave or ReadIndex
	second   interval     // the stamps of WALSync or ReadWaitApplied
	before   interval     // see BusyBefore
	members  atomic.Int32 // requests so far
	failure  atomic.Pointer[string]
	exported atomic.Bool // its spans were given to the outlet
	counted  atomic.Bool // its stages were added to the histograms
	links    []linkSlot  // the span IDs of the first requests
}

// linkSlot holds a Link that one goroutine writes while others read it. The span is
// written last and read first; as long as it is zero, the slot is empty.
type linkSlot struct{ hi, lo, span atomic.Uint64 }

// maxLinks bounds the requests of a batch whose span IDs are kept.
const maxLinks = 256

// NewBatch returns a batch for about n requests. It keeps the span IDs of the first n,
// and of no more than 256; further requests are counted only.
func NewBatch(kind stages.Stage, n int) *Batch {
	b := &Batch{Kind: kind, links: make([]linkSlot, min(n, maxLinks))}
	b.traceID, b.spanID = trace.NewIDs()
	return b
}

// Add counts a request and keeps its span ID, if there is room; r is nil for a request
// that is not recorded. It may be called by several goroutines at once.
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

// Links returns the span IDs that Add has kept. It may be called by any goroutine.
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

// Members returns how many requests share the batch, recorded or not.
func (b *Batch) Members() int { return int(b.members.Load()) }

// BusyBefore sets the stamps between which the raft loop handled the Ready before this
// batch's. A request that waits for its batch waits for that Ready first.
func (b *Batch) BusyBefore(begin, end int64) {
	b.before.begin.Store(begin)
	b.before.end.Store(end)
}

// BeginAt sets the stamp at which the first stage, WALSave or ReadIndex, begins.
func (b *Batch) BeginAt(stamp int64) { b.first.begin.Store(stamp) }

// EndAt sets the stamp at which the first stage ends.
func (b *Batch) EndAt(stamp int64) { b.first.end.Store(stamp) }

// SecondStageAt sets the stamps of the second stage, WALSync or ReadWaitApplied.
func (b *Batch) SecondStageAt(begin, end int64) {
	b.second.begin.Store(begin)
	b.second.end.Store(end)
}

// Fail sets the error that the batch's work ended with. It is called before EndAt.
func (b *Batch) Fail(why string) { b.failure.Store(&why) }

// Attributes returns the attributes of the first stage's row: the error, if Fail was
// called, or else nil.
func (b *Batch) Attributes() map[string]string {
	why := b.failure.Load()
	if why == nil {
		return nil
	}
	return map[string]string{trace.AttrFailure: trace.ValidUTF8(*why)}
}

// Released returns the stamp at which the batch's last stage ended: its requests go
// on from there. Zero means that no stage has ended.
func (b *Batch) Released() int64 { return max(b.first.end.Load(), b.second.end.Load()) }

// complete reports whether all of the batch's stamps are set, so that its spans will not
// change any more. A save may be complete without WALSync: not every save calls fsync. A
// request may end before its batch does, when its client goes away: then the batch's stages
// are exported among the request's own spans.
func (b *Batch) complete() bool {
	if b.first.end.Load() == 0 {
		return false
	}
	return b.Kind != stages.ReadIndex || b.second.end.Load() != 0
}

// StageSpan returns the IDs of the span of one of the batch's two stages.
func (b *Batch) StageSpan(s stages.Stage) trace.Link {
	if s == b.Kind {
		return trace.Link{Trace: b.traceID, Span: b.spanID}
	}
	return trace.Link{Trace: b.traceID, Span: trace.ChildID(b.spanID, int(s))}
}

// SecondStage returns the batch's second stage: WALSync or ReadWaitApplied.
func (b *Batch) SecondStage() stages.Stage {
	if b.Kind == stages.ReadIndex {
		return stages.ReadWaitApplied
	}
	return stages.WALSync
}

// Stamps returns the stamps of the beginning and end of one of the batch's two stages, each
// zero if it was not stamped.
func (b *Batch) Stamps(s stages.Stage) (begin, end int64) {
	i := &b.first
	if s != b.Kind {
		i = &b.second
	}
	return i.begin.Load(), i.end.Load()
}
