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

// Record holds what is known of one request: the stamps of its stages and some
// facts. Its size is bounded: it does not grow with how often the request passes a
// stage.
//
// A stamp is a number of nanoseconds on this process's monotonic clock; see Now.
// Each stage is stamped by the goroutine that does its work. Several goroutines
// stamp one record at once, so stamps are atomic, but no two goroutines stamp the
// same stage. A stamp may come after the record is finished, for a write is applied
// even if its client has gone away: it is kept, and a later Timeline shows it.
//
// A nil Record is a request that is not recorded: methods do nothing on it and return
// zero values. Only Code, Events, TraceParent, TraceID, Origin, Duration and Timeline
// need a Record that is not nil.
type Record struct {
	recorder *Recorder
	conn     *Conn

	traceID, parentID trace.ID
	spanID            uint64
	begin             int64  // stamp of the request's first byte
	id                uint64 // ordinal of this record, from 1

	// These are written once each before the record is finished, or are atomic.
	facts    Facts
	key      [MaxKey]byte
	keyLen   uint16
	keyTotal uint32

	streamID uint32
	reqID    atomic.Uint64 // the ID of its InternalRaftRequest
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
	code     atomic.Uint32 // gRPC code + 1; zero if there is no reply yet
	message  atomic.Pointer[string]
	save     atomic.Pointer[Batch] // the WAL save that wrote its entry
	round    atomic.Pointer[Batch] // the read round that served it
	behind   atomic.Int32          // entries before it in its apply batch

	state atomic.Uint32 // see isComplete in embed.go
	marks atomic.Uint32
	end   atomic.Int64 // stamp of the request's end; zero if it is not known yet

	repeats  atomic.Pointer[repeats]  // stages that it passes once per message, and its pauses
	embedded atomic.Pointer[embedded] // the requests that are parts of it
	outer    atomic.Pointer[Record]   // the request that it is part of; see embed.go

	kept   retention // for the Recorder alone
	stamps stamps    // last, and with its pointers first: the garbage collector does not scan what follows an object's last pointer
}

// MaxKey is how many bytes of its key a record keeps.
const MaxKey = 64

type recordKey struct{}

// FromContext returns the record that ctx carries, or nil.
func FromContext(ctx context.Context) *Record {
	r, _ := ctx.Value(recordKey{}).(*Record)
	return r
}

// ContextKey returns the key under which FromContext looks for a *Record. It is for
// context types that return the record from their own Value method, which saves the
// allocation of context.WithValue.
func ContextKey() any { return recordKey{} }

// Begin stamps the beginning of a stage with the current time. If a stage begins
// several times, the first counts.
func (r *Record) Begin(s stages.Stage) {
	if r != nil {
		r.BeginAt(s, Now())
	}
}

// End stamps the end of a stage with the current time. If a stage ends several
// times, the last counts.
func (r *Record) End(s stages.Stage) {
	if r != nil {
		r.stamps.of(s).end.Store(Now())
	}
}

// BeginAt is Begin at the given stamp.
func (r *Record) BeginAt(s stages.Stage, stamp int64) {
	if r == nil {
		return
	}
	if b := &r.stamps.of(s).begin; b.Load() == 0 {
		b.Store(stamp)
	}
}

// EndAt is End at the given stamp.
func (r *Record) EndAt(s stages.Stage, stamp int64) {
	if r != nil {
		r.stamps.of(s).end.Store(stamp)
	}
}

// Stamps returns the stamps of a stage's beginning and end, each zero if it was not
// stamped. It may be called at any time by any goroutine.
func (r *Record) Stamps(s stages.Stage) (begin, end int64) {
	if r == nil {
		return 0, 0
	}
	return r.stamps.find(s)
}

// Mark sets marks of the request. It may be called by any goroutine.
func (r *Record) Mark(m Mark) {
	if r != nil {
		r.marks.Or(uint32(m))
	}
}

// Has reports whether all of the given marks are set.
func (r *Record) Has(m Mark) bool {
	return r != nil && Mark(r.marks.Load())&m == m
}

// Facts returns the request's facts for the caller to fill in. The type says when.
// For a nil Record it returns a new value that nobody reads.
func (r *Record) Facts() *Facts {
	if r == nil {
		return new(Facts)
	}
	return &r.facts
}

// SetKey keeps the first MaxKey bytes of the request's key, unless the recorder
// redacts keys, and the key's length.
func (r *Record) SetKey(key []byte) {
	if r == nil {
		return
	}
	if !r.recorder.opts.Redact {
		r.keyLen = uint16(copy(r.key[:], key))
	}
	r.keyTotal = uint32(len(key))
}

// HasKeyPrefix reports whether the kept bytes of the request's key begin with prefix.
// If the recorder redacts keys, no bytes are kept. Only the request's own goroutines
// may call it, after SetKey.
func (r *Record) HasKeyPrefix(prefix []byte) bool {
	return r != nil && bytes.HasPrefix(r.key[:r.keyLen], prefix)
}

// Key returns the request's key as timelines show it: its first MaxKey bytes, and an
// ellipsis if it is longer. It is empty if no bytes are kept. Only the request's own
// goroutines may call it.
func (r *Record) Key() string {
	if r == nil || r.keyLen == 0 {
		return ""
	}
	key := trace.ValidUTF8(string(r.key[:r.keyLen]))
	if int(r.keyTotal) > int(r.keyLen) {
		key += "…"
	}
	return key
}

// SetCode sets the gRPC code of the reply and, for an error, its message.
func (r *Record) SetCode(code uint32, message string) {
	if r == nil {
		return
	}
	if message != "" {
		text := message // a copy, so that an empty message is not allocated
		r.message.Store(&text)
	}
	r.code.Store(code + 1)
}

// Code returns the gRPC code of the reply, and false if SetCode was not called yet.
func (r *Record) Code() (code uint32, seen bool) {
	c := r.code.Load()
	return c - 1, c != 0
}

// AddIn adds n bytes to what was read for the request on the wire.
func (r *Record) AddIn(n int) {
	if r != nil {
		r.bytesIn.Add(int64(n))
	}
}

// AddOut adds n bytes to what was written for the request on the wire.
func (r *Record) AddOut(n int) {
	if r != nil {
		r.bytesOut.Add(int64(n))
	}
}

// SetRequestID sets the ID of the InternalRaftRequest that the request proposed.
func (r *Record) SetRequestID(id uint64) {
	if r != nil {
		r.reqID.Store(id)
	}
}

// RequestID returns the ID of the InternalRaftRequest, or zero if nothing was
// proposed.
func (r *Record) RequestID() uint64 {
	if r == nil {
		return 0
	}
	return r.reqID.Load()
}

// SetSave sets the WAL save that writes the request's entry.
func (r *Record) SetSave(b *Batch) {
	if r != nil {
		r.save.Store(b)
	}
}

// SetRound sets the read round that serves the request.
func (r *Record) SetRound(b *Batch) {
	if r != nil {
		r.round.Store(b)
	}
}

// SetBehind sets how many entries of the same apply batch are applied before the
// request's own.
func (r *Record) SetBehind(n int) {
	if r != nil {
		r.behind.Store(int32(n))
	}
}

// StreamID returns the ID of the request's HTTP/2 stream; zero if it has none.
func (r *Record) StreamID() uint32 {
	if r == nil {
		return 0
	}
	return r.streamID
}

// Conn returns the connection that carried the request, or nil for a request that
// the server made itself.
func (r *Record) Conn() *Conn {
	if r == nil {
		return nil
	}
	return r.conn
}

// Done reports events that complete the record. The record is handed to the recorder
// when all events have been reported and all records that it embeds are complete; a
// record with MarkSwept does not wait for those. Done may be called by any goroutine;
// an event that was reported before is ignored.
func (r *Record) Done(e Event) {
	if r == nil {
		return
	}
	event := uint32(e)
	if r.Has(MarkSwept) {
		event |= stateClosed
	}
	if before := r.state.Or(event); !isComplete(before) && isComplete(before|event) {
		r.complete()
	}
}

// Finished reports whether the record is complete, or is part of a complete record. That
// record may have been swept without waiting for its parts.
func (r *Record) Finished() bool {
	return r != nil && (isComplete(r.state.Load()) || isComplete(r.outermost().state.Load()))
}

// Events returns the events that were reported so far.
func (r *Record) Events() Event { return Event(r.state.Load()) & AllEvents }

// TraceParent returns the request's IDs as a W3C traceparent header. Its sampled flag
// is the one of the client's traceparent; it is set if the client sent none.
func (r *Record) TraceParent() string {
	return trace.FormatTraceParent(r.traceID, r.spanID, !r.facts.Remote || r.facts.Sampled)
}

// Adopt takes the trace ID, the parent span and the sampled flag from a client's
// traceparent. If the header is not valid, Adopt returns false and changes nothing, as
// the W3C recommendation asks. It is called before anything reads the record's IDs.
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

// Origin returns the beginning of the request on the clock that all processes of this
// machine share.
func (r *Record) Origin() trace.Origin {
	return trace.Origin{BootID: bootID(), MonotonicNS: monotonic(r.begin)}
}

// Duration returns how long the request took, as its timeline shows it. If the request
// is still under way, it returns the time since it began.
func (r *Record) Duration() time.Duration { return time.Duration(max(0, r.endStamp()-r.begin)) }

// TraceID returns the request's trace ID as 32 hexadecimal digits.
func (r *Record) TraceID() string { return r.traceID.String() }

// SetEnd sets the stamp that ends the request. Without it a request whose reply was
// not written ends when its last event is reported.
func (r *Record) SetEnd(stamp int64) {
	if r != nil {
		r.end.Store(stamp)
	}
}

// endStamp returns the stamp that ends the request: the end of writing its reply (of
// receiving it, for a client's record), or else r.end, or else the current time. The
// events that complete a record may come a little after its reply.
func (r *Record) endStamp() int64 {
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

// Facts is what a seam knows of a request besides its stamps. The goroutine that reads
// the connection and the handler's goroutine set the fields before the record is
// finished; after that they are only read.
type Facts struct {
	Method      string // such as "/etcdserverpb.KV/Put"; empty if the request was refused before its name was read
	Sampled     bool   // the sampled flag of the client's traceparent
	Remote      bool   // the trace ID came from the client's traceparent
	Revision    int64  // the store's revision after a write; zero if unknown
	ValueSize   int    // bytes of the value that was written
	Lease       int64  // ID of the lease that the request names; zero if it names none
	HTTPStatus  int    // status of the reply to a request over HTTP/1; zero for gRPC
	Compression string // compression of the request's messages, such as "gzip"; empty if there is none
}

// Mark is a set of things that happened to a request and are not stages.
type Mark uint32

// The marks.
const (
	MarkTapped     Mark = 1 << iota // the tap was called: operateHeaders accepted the stream
	MarkBegun                       // stats.Begin was reported: the method has a handler
	MarkReset                       // the client reset the stream
	MarkResetSent                   // the server reset the stream
	MarkConnClosed                  // the connection ended before the reply was written
	MarkSwept                       // its last event never came, and the sweeper closed it
	MarkStopping                    // the server was being stopped
	MarkStreaming                   // it is a streaming call
	MarkClient                      // our own client recorded it
	MarkOpener                      // it is the first request of its connection
	MarkHTTP                        // it came over HTTP/1
	MarkServeHTTP                   // net/http read it and passed it to grpc.(*Server).ServeHTTP
	MarkConnection                  // the record is about a connection that never carried a request
	MarkInProcess                   // a handler of this server made it, without a connection
	MarkGoAway                      // the server sent GOAWAY on its connection before it was over
	MarkPanic                       // its handler panicked
	MarkWorker                      // one of the server's stream workers handled it
	MarkSpilled                     // all stream workers were busy, so a new goroutine handled it
	MarkTimedOut                    // the transport reset the stream because its deadline had passed
)

// Event is a set of the three events that complete a record. They come in any order;
// see the picture in embed.go.
type Event uint32

// The events that complete a record.
const (
	EventHandled Event = 1 << iota // the handler is done: stats.End, or stats.OutTrailer without a stats.Begin, or no handler will be called
	EventWire                      // the reply's last frame is written, or the stream or the connection is gone
	EventRead                      // the connection's reader is past the stream's HEADERS frame, so the tap will not be called any more

	AllEvents = EventHandled | EventWire | EventRead
)

// interval is the beginning and the end of one stage, as stamps; zero means not stamped.
type interval struct{ begin, end atomic.Int64 }

// stamps holds the intervals of a record's stages. Of some hundred stages a read
// passes fifteen and a write thirty. The intervals of stages that both pass are in the
// record itself. The others are in two blocks, each of which is allocated when the
// first of its stages is stamped.
type stamps struct {
	write  atomic.Pointer[[len(writeStages)]interval]
	seldom atomic.Pointer[[len(seldomStages)]interval]
	often  [len(oftenStages)]interval
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

// seldomStages are all others, None included, so that every Stage has a location.
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

// location says where a stage's interval is: in which block, and its index there.
type location struct{ block, at uint8 }

const (
	inOften uint8 = iota
	inWrite
	inSeldom
)

var locations = func() (all [stages.NumStages]location) {
	for block, list := range [...][]stages.Stage{inOften: oftenStages[:], inWrite: writeStages[:], inSeldom: seldomStages[:]} {
		for i, s := range list {
			all[s] = location{uint8(block), uint8(i)}
		}
	}
	return all
}()

// of returns the interval of a stage. It allocates the stage's block if need be.
func (t *stamps) of(s stages.Stage) *interval {
	switch p := locations[s]; p.block {
	case inOften:
		return &t.often[p.at]
	case inWrite:
		return &block(&t.write)[p.at]
	default:
		return &block(&t.seldom)[p.at]
	}
}

// block returns the block that p points to, which it allocates first if p is nil. Two
// goroutines that call it at once get the same block.
func block[T any](p *atomic.Pointer[T]) *T {
	if b := p.Load(); b != nil {
		return b
	}
	p.CompareAndSwap(nil, new(T))
	return p.Load()
}

// find returns the stamps of a stage without allocating its block.
func (t *stamps) find(s stages.Stage) (begin, end int64) {
	p := locations[s]
	if p.block == inWrite && t.write.Load() == nil || p.block == inSeldom && t.seldom.Load() == nil {
		return 0, 0
	}
	i := t.of(s)
	return i.begin.Load(), i.end.Load()
}

// each calls visit for every stage whose block is allocated, in no particular order.
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
