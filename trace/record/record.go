package record

import (
	"bytes"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Record is one request's set of stamps. Its size is bounded: nothing about it
// grows with how often a request passes a stage.
//
// Each stage is stamped by the goroutine that does its work, so the stamps are
// atomic, but no two goroutines stamp the same stage. A stamp may come after
// the record is finished (a write whose client went away is still applied): it
// is kept and shows up where the record is looked at later.
//
// All methods may be called on a nil Record, which is a request that is not
// recorded; they do nothing then.
type Record struct {
	recorder *Recorder
	conn     *Conn

	traceID, parentID trace.ID
	spanID            uint64
	begin             int64
	id                uint64 // the ordinal of this record, from 1

	// Facts, written once each and before the record is finished, or atomic.
	facts    Facts
	key      [maxKey]byte
	keyLen   uint16
	keyTotal uint32

	streamID uint32
	reqID    atomic.Uint64 // the proposal's request ID
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
	code     atomic.Uint32 // gRPC code + 1; zero: none seen
	message  atomic.Pointer[string]
	save     atomic.Pointer[Batch] // the WAL save that its entry was part of
	round    atomic.Pointer[Batch] // the read round that served it
	behind   atomic.Int32          // entries before it in its apply batch

	state atomic.Uint32 // the events that have come, and the parts that are under way; see embed.go
	marks atomic.Uint32
	end   atomic.Int64

	repeats  atomic.Pointer[repeats]  // of a streaming call
	embedded atomic.Pointer[embedded] // the requests that it is made of
	outer    atomic.Pointer[Record]   // the request that it is part of; see embed.go

	shelf  shelf  // the recorder's own notes
	stamps stamps // without pointers, or nearly: behind all else, where the collector need not look
}

// maxKey bounds how much of a key a record keeps, in bytes.
const maxKey = 64

type recordKey struct{}

// FromContext returns the record that travels in ctx, or nil.
func FromContext(ctx context.Context) *Record {
	r, _ := ctx.Value(recordKey{}).(*Record)
	return r
}

// ContextKey is the key under which a context holds its *Record. It is for
// contexts that carry a record themselves instead of wrapping it with
// context.WithValue, which would cost an allocation more.
func ContextKey() any { return recordKey{} }

// Begin stamps the beginning of a stage. Of several the first counts.
func (r *Record) Begin(s stages.Stage) {
	if r != nil {
		r.BeginAt(s, Now())
	}
}

// End stamps the end of a stage. Of several the last counts.
func (r *Record) End(s stages.Stage) {
	if r != nil {
		r.stamps.of(s).end.Store(Now())
	}
}

// BeginAt is Begin with a stamp that was taken already.
func (r *Record) BeginAt(s stages.Stage, stamp int64) {
	if r == nil {
		return
	}
	if b := &r.stamps.of(s).begin; b.Load() == 0 {
		b.Store(stamp)
	}
}

// EndAt is End with a stamp that was taken already.
func (r *Record) EndAt(s stages.Stage, stamp int64) {
	if r != nil {
		r.stamps.of(s).end.Store(stamp)
	}
}

// Stamps returns a stage's begin and end; zero is "not stamped".
func (r *Record) Stamps(s stages.Stage) (begin, end int64) {
	if r == nil {
		return 0, 0
	}
	return r.stamps.find(s)
}

// Mark notes a fact about the request.
func (r *Record) Mark(m Mark) {
	if r != nil {
		r.marks.Or(uint32(m))
	}
}

// Has reports whether all of the given marks are set.
func (r *Record) Has(m Mark) bool {
	return r != nil && Mark(r.marks.Load())&m == m
}

// Facts gives the request's facts to be filled in. It returns a scratch value
// when the request is not recorded, so callers need not ask.
func (r *Record) Facts() *Facts {
	if r == nil {
		return new(Facts)
	}
	return &r.facts
}

// SetKey keeps the beginning of the request's key and its whole length.
func (r *Record) SetKey(key []byte) {
	if r == nil {
		return
	}
	if !r.recorder.opts.Redact {
		r.keyLen = uint16(copy(r.key[:], key))
	}
	r.keyTotal = uint32(len(key))
}

// HasKeyPrefix reports whether the request's key begins with prefix, as far as a
// key is kept: none is when the recorder redacts them. It is for the request's own
// goroutines, once the request is decoded.
func (r *Record) HasKeyPrefix(prefix []byte) bool {
	return r != nil && bytes.HasPrefix(r.key[:r.keyLen], prefix)
}

// Key returns the request's key, cut after its first bytes, as timelines show it;
// empty when it is not known. It is for the request's own goroutines as well.
func (r *Record) Key() string {
	if r == nil || r.keyLen == 0 {
		return ""
	}
	return r.keyText()
}

// MaxKey is how much of a key a record keeps, in bytes.
const MaxKey = maxKey

// SetCode notes the gRPC code of the reply and, for an error, its message.
func (r *Record) SetCode(code uint32, message string) {
	if r == nil {
		return
	}
	if message != "" {
		text := message // so that no memory is taken where there is none
		r.message.Store(&text)
	}
	r.code.Store(code + 1)
}

// Code returns the gRPC code and whether one was seen.
func (r *Record) Code() (code uint32, seen bool) {
	c := r.code.Load()
	return c - 1, c != 0
}

// AddIn and AddOut count the bytes of the request's frames on the wire.
func (r *Record) AddIn(n int) {
	if r != nil {
		r.bytesIn.Add(int64(n))
	}
}

// AddOut counts bytes written for the request.
func (r *Record) AddOut(n int) {
	if r != nil {
		r.bytesOut.Add(int64(n))
	}
}

// SetRequestID joins the record with the proposal that carries this ID.
func (r *Record) SetRequestID(id uint64) {
	if r != nil {
		r.reqID.Store(id)
	}
}

// RequestID returns the ID of the request's proposal, or zero.
func (r *Record) RequestID() uint64 {
	if r == nil {
		return 0
	}
	return r.reqID.Load()
}

// SetSave joins the record with the WAL save that holds its entry.
func (r *Record) SetSave(b *Batch) {
	if r != nil {
		r.save.Store(b)
	}
}

// SetRound joins the record with the read round that serves it.
func (r *Record) SetRound(b *Batch) {
	if r != nil {
		r.round.Store(b)
	}
}

// SetBehind notes how many entries of the same apply batch came before it.
func (r *Record) SetBehind(n int) {
	if r != nil {
		r.behind.Store(int32(n))
	}
}

// StreamID returns the HTTP/2 stream of the request.
func (r *Record) StreamID() uint32 {
	if r == nil {
		return 0
	}
	return r.streamID
}

// Conn returns the connection that the request came in on.
func (r *Record) Conn() *Conn {
	if r == nil {
		return nil
	}
	return r.conn
}

// Done reports one of the events that complete the record. The last of them,
// once the records that it embeds are complete, hands the record to the recorder;
// a record that is marked as swept does not wait for those. It must not be
// reported twice with a different meaning, and reporting one again is harmless.
func (r *Record) Done(e Event) {
	if r == nil {
		return
	}
	come := uint32(e)
	if r.Has(MarkSwept) {
		come |= stateClosed
	}
	if before := r.state.Or(come); !isComplete(before) && isComplete(before|come) {
		r.complete()
	}
}

// Finished reports whether the record is complete, or part of one that is: that
// one may have been swept, and nobody waits for its parts then.
func (r *Record) Finished() bool {
	return r != nil && (isComplete(r.state.Load()) || isComplete(r.outermost().state.Load()))
}

// Events returns the completing events seen so far; a sweeper asks.
func (r *Record) Events() Event { return Event(r.state.Load()) & AllEvents }

// TraceParent returns the request's IDs in the W3C format, as the server
// returns them to the client and our own client sends them. The sampling flag is
// the client's, where the client sent one.
func (r *Record) TraceParent() string {
	return trace.FormatTraceParent(r.traceID, r.spanID, !r.facts.Remote || r.facts.Sampled)
}

// Adopt takes the trace ID, the parent span and the sampling flag from a
// client's traceparent. It reports whether the header was valid; an invalid one
// is ignored, as the W3C recommendation asks.
func (r *Record) Adopt(traceparent string) bool {
	if r == nil {
		return false
	}
	id, parent, sampled, ok := trace.ParseTraceParent(traceparent)
	if !ok {
		return false
	}
	r.traceID, r.parentID = id, trace.ID{Lo: parent}
	r.facts.Remote, r.facts.Sampled = true, sampled
	return true
}

// Origin returns the request's begin.
func (r *Record) Origin() trace.Origin {
	return trace.Origin{BootID: bootID(), MonotonicNS: monotonic(r.begin)}
}

// Duration returns how long the request took, as its timeline shows it; while
// it is under way, how long it has taken so far.
func (r *Record) Duration() time.Duration { return time.Duration(max(0, r.over()-r.begin)) }

// TraceID returns the request's trace ID, 32 hexadecimal digits.
func (r *Record) TraceID() string { return r.traceID.String() }

// SetEnd sets the stamp that ends the request, where it is known before the
// record's last event is reported.
func (r *Record) SetEnd(stamp int64) { r.end.Store(stamp) }

// over returns the stamp that ends the request: the moment when its reply left,
// if it did. What completes a record may come a little later.
func (r *Record) over() int64 {
	last := stages.Flush
	switch marks := Mark(r.marks.Load()); {
	case marks&MarkClient != 0:
		last = stages.ClientRecv
	case marks&MarkHTTP != 0:
		last = stages.HTTPFlush
	}
	if _, end := r.Stamps(last); end != 0 {
		return end
	}
	if end := r.end.Load(); end != 0 {
		return end
	}
	return Now()
}

// Facts are what a seam knows of a request besides its stamps. They are set by
// the goroutine that reads the connection and by the handler's, before the
// request is finished.
type Facts struct {
	Method    string // "/etcdserverpb.KV/Put"; empty when it was turned away before its name was known
	Sampled   bool   // the client's traceparent asked for it to be sampled
	Remote    bool   // the trace ID came from the client's traceparent
	Revision  int64  // the store's revision after a write; zero when unknown
	ValueSize int    // bytes of the value written; never the value
	Lease     int64  // the lease that it is about; zero for none

	HTTPStatus int // of a request that came as HTTP/1; zero for every other

	Compression string // how its messages were compressed, such as "gzip"; empty for not at all
}

// Mark notes something that happened to a request and is not a stage.
type Mark uint32

// The marks.
const (
	MarkTapped     Mark = 1 << iota // the tap saw it: operateHeaders took it
	MarkBegun                       // stats Begin: a handler was found for it
	MarkReset                       // the client reset the stream
	MarkResetSent                   // the server reset the stream
	MarkConnClosed                  // the connection ended before the reply was out
	MarkSwept                       // it never completed; the sweeper closed it
	MarkStopping                    // the server was being stopped
	MarkStreaming                   // it is a streaming call
	MarkClient                      // it was recorded by our own client
	MarkOpener                      // it is the first request of its connection
	MarkHTTP                        // it came as HTTP/1
	MarkServeHTTP                   // net/http read it and handed it to grpc.(*Server).ServeHTTP
	MarkConnection                  // it is no request: a connection that never carried one
	MarkEmbedded                    // it is part of another request's timeline
	MarkInProcess                   // a handler of this server made it, without a connection
	MarkGoAway                      // the server had said GOAWAY on its connection before it was over
	MarkPanic                       // its handler panicked
	MarkWorker                      // one of the server's stream workers handled it
	MarkSpilled                     // all stream workers were busy: it got a goroutine of its own
	MarkTimedOut                    // the transport reset it because its deadline had passed
)

// Event is one of the three things that complete a record, in any order.
type Event uint32

// The events that complete a record.
const (
	EventHandled Event = 1 << iota // stats End, or OutTrailer where there was no Begin, or never handed to a handler
	EventWire                      // the reply's last frame is written, or the stream or connection is gone
	EventRead                      // the reader is past this stream's HEADERS: the tap can no longer come

	AllEvents = EventHandled | EventWire | EventRead
)

type interval struct{ begin, end atomic.Int64 }

// stamps holds a record's begins and ends. There are a hundred stages, of which
// a read passes fifteen and a write thirty, so only those that both pass have
// their place in the record itself. The others come in two blocks, each of which
// is taken when the first of its stages is stamped: memory that a request does
// not use costs it nothing.
type stamps struct {
	often  [len(oftenStages)]interval
	write  atomic.Pointer[[len(writeStages)]interval]
	seldom atomic.Pointer[[len(seldomStages)]interval]
}

var oftenStages = [...]stages.Stage{
	stages.OperateHeaders, stages.StartHandler, stages.HandleStream, stages.ProcessRPC, stages.RecvMsg, stages.CodecDecode, stages.Interceptors,
	stages.V3Put, stages.V3Range, stages.ReadWait, stages.ReadRelease, stages.TxnRange,
	stages.SendMsg, stages.CodecEncode, stages.WriteStatus, stages.Flush,
}

var writeStages = [...]stages.Stage{
	stages.V3DeleteRange, stages.V3Txn,
	stages.RaftRequest, stages.ProcessOnce, stages.RaftPropose, stages.RaftWaitReady, stages.RaftHandleReady, stages.RaftCommit,
	stages.ApplyWait, stages.ApplySchedule, stages.ApplyQueue, stages.ApplyEntry, stages.TxnPut, stages.TxnDeleteRange, stages.TxnTxn,
	stages.MVCCBegin, stages.MVCCPut, stages.MVCCDeleteRange, stages.MVCCEnd, stages.WaitTrigger,
}

// seldomStages are all others.
var seldomStages = func() (others [int(stages.NumStages) - len(oftenStages) - len(writeStages)]stages.Stage) {
	i := 0
	for s := range stages.NumStages {
		if !slices.Contains(oftenStages[:], s) && !slices.Contains(writeStages[:], s) {
			others[i] = s
			i++
		}
	}
	return others
}()

// place says where a stage's stamps are: in which block, and where in it.
type place struct{ block, at uint8 }

const (
	inOften uint8 = iota
	inWrite
	inSeldom
)

var places = func() (all [stages.NumStages]place) {
	for block, list := range [...][]stages.Stage{inOften: oftenStages[:], inWrite: writeStages[:], inSeldom: seldomStages[:]} {
		for i, s := range list {
			all[s] = place{uint8(block), uint8(i)}
		}
	}
	return all
}()

// of returns where a stage is stamped, and takes its block if need be.
func (t *stamps) of(s stages.Stage) *interval {
	switch p := places[s]; p.block {
	case inOften:
		return &t.often[p.at]
	case inWrite:
		return &block(&t.write)[p.at]
	default:
		return &block(&t.seldom)[p.at]
	}
}

// block returns the block that p points to, after it made one if there is none.
// Two goroutines may come at once; both get the same.
func block[T any](p *atomic.Pointer[T]) *T {
	if b := p.Load(); b != nil {
		return b
	}
	p.CompareAndSwap(nil, new(T))
	return p.Load()
}

// find returns a stage's begin and end; zero is "not stamped".
func (t *stamps) find(s stages.Stage) (begin, end int64) {
	p := places[s]
	if p.block == inWrite && t.write.Load() == nil || p.block == inSeldom && t.seldom.Load() == nil {
		return 0, 0
	}
	i := t.of(s)
	return i.begin.Load(), i.end.Load()
}

// each calls visit for all stages that may be stamped, in no particular order.
func (t *stamps) each(visit func(stages.Stage, *interval)) {
	for i, s := range oftenStages {
		visit(s, &t.often[i])
	}
	if b := t.write.Load(); b != nil {
		for i, s := range writeStages {
			visit(s, &b[i])
		}
	}
	if b := t.seldom.Load(); b != nil {
		for i, s := range seldomStages {
			visit(s, &b[i])
		}
	}
}
