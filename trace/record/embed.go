package record

import (
	"sync"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// embedded lists the records that are parts of a record.
type embedded struct {
	mu       sync.Mutex
	closed   bool // the record is in the ring: no parts are added any more
	parts    []embeddedPart
	notShown int // parts beyond trace.MaxEmbedded
}

type embeddedPart struct {
	rec   *Record
	under stages.Stage
}

// A record's field outer is nil while the record runs on its own. It is set once: to the
// record that embeds it, to unshown if that record has too many parts to show it, or to
// alone when the record completes without having been embedded.
var alone, unshown Record

// closedAndEmpty is the list of parts of every record in the ring that has none.
var closedAndEmpty = &embedded{closed: true}

// Embed makes inner a part of r: a request that the server made itself to answer r, such
// as the gateway's gRPC call, or the transaction inside a lock. Inner's stages are shown
// in r's timeline, inside r's stage under, and inner has no timeline of its own. r is
// complete only when inner is. If inner is a server's record of the call of which r is
// the client's record, the two are shown as one request.
//
// If r has trace.MaxEmbedded parts already, inner is counted and not shown. If r or inner
// is finished, or inner is part of another record, Embed returns false and changes
// nothing. It may be called by several goroutines at once.
func (r *Record) Embed(inner *Record, under stages.Stage) bool {
	if r == nil || inner == nil || r.recorder != inner.recorder || r.outermost() == inner || !r.expectPart() {
		return false
	}
	shown, ok := r.addPart(inner, under)
	if !shown || !ok {
		r.partCompleted()
	}
	return ok
}

// addPart adds a part to the list. If the list is full or closed, the part is counted
// and not shown. It returns ok = false if inner has finished or is part of another
// record. It sets inner.outer under the list's lock, so that r's list has inner in it
// before inner can complete r.
func (r *Record) addPart(inner *Record, under stages.Stage) (shown, ok bool) {
	list := r.embedded.Load()
	if list == nil {
		if list = new(embedded); !r.embedded.CompareAndSwap(nil, list) {
			list = r.embedded.Load()
		}
	}
	list.mu.Lock()
	defer list.mu.Unlock()
	outer := r
	if shown = !list.closed && len(list.parts) < trace.MaxEmbedded; !shown {
		outer = &unshown
	}
	if !inner.outer.CompareAndSwap(nil, outer) {
		return false, false
	}
	if shown {
		list.parts = append(list.parts, embeddedPart{inner, under})
		return true, true
	}
	if !list.closed {
		list.notShown++
	}
	r.recorder.lost.NotEmbedded.Add(1)
	return false, true
}

// parts returns the parts of the record, and how many more are not shown.
func (r *Record) parts() (shown []embeddedPart, notShown int) {
	list := r.embedded.Load()
	if list == nil || list == closedAndEmpty {
		return nil, 0
	}
	list.mu.Lock()
	defer list.mu.Unlock()
	return list.parts[:len(list.parts):len(list.parts)], list.notShown
}

// closeParts closes the list of parts and returns it.
func (r *Record) closeParts() []embeddedPart {
	list := r.embedded.Load()
	if list == nil {
		if r.embedded.CompareAndSwap(nil, closedAndEmpty) {
			return nil
		}
		list = r.embedded.Load()
	}
	list.mu.Lock()
	defer list.mu.Unlock()
	list.closed = true
	return list.parts
}

// outermost is Outermost for a record that is not nil.
func (r *Record) outermost() *Record {
	for {
		outer := r.outer.Load()
		if outer == nil || outer == &alone || outer == &unshown {
			return r
		}
		r = outer
	}
}

// Outermost returns the record whose timeline shows r: the outermost of those that embed
// r, at any depth; r itself if it is not embedded. It may be called at any time by any
// goroutine.
func (r *Record) Outermost() *Record {
	if r == nil {
		return nil
	}
	return r.outermost()
}

// isPart reports whether the record is shown in the timeline of another one.
func (r *Record) isPart() bool { return r.outermost() != r }

// weight returns how many records this one keeps in memory: itself and its parts, at any
// depth.
func (r *Record) weight() int {
	n := 1
	parts, _ := r.parts()
	for _, p := range parts {
		n += p.rec.weight()
	}
	return n
}

// hasTraceID reports whether the record or one of its parts, at any depth, has this
// trace ID.
func (r *Record) hasTraceID(id trace.ID) bool {
	if r.traceID == id {
		return true
	}
	parts, _ := r.parts()
	for _, p := range parts {
		if p.rec.hasTraceID(id) {
			return true
		}
	}
	return false
}

// A record's state is one word, so that of several goroutines exactly one sees itself
// complete the record:
//
//	bits 31 … 4         3            2            1           0
//	┌──────────────────┬────────────┬────────────┬───────────┬──────────────┐
//	│ pending parts    │ closed     │ EventRead  │ EventWire │ EventHandled │
//	└──────────────────┴────────────┴────────────┴───────────┴──────────────┘
//	  Embed: +1          Done with    the reader   the writer  the handler's
//	  part complete: −1  MarkSwept    goroutine    goroutine   goroutine
//
//	complete  ⇔  all three events  and  (pending = 0  or  closed)
//
// A complete record stays complete: events and closed are never taken back, and
// expectPart adds no part to a record that is complete or closed.
const (
	stateClosed  = uint32(AllEvents) + 1
	statePending = stateClosed << 1 // one part
)

// isComplete reports whether a state is that of a complete record.
func isComplete(state uint32) bool {
	return Event(state)&AllEvents == AllEvents && (state < statePending || state&stateClosed != 0)
}

// expectPart adds one pending part. It returns false, and adds none, if the record is
// complete or closed.
func (r *Record) expectPart() bool {
	for {
		state := r.state.Load()
		if isComplete(state) || state&stateClosed != 0 {
			return false
		}
		if r.state.CompareAndSwap(state, state+statePending) {
			return true
		}
	}
}

// partCompleted removes one pending part.
func (r *Record) partCompleted() {
	after := r.state.Add(^(statePending - 1))
	if isComplete(after) && !isComplete(after+statePending) {
		r.complete()
	}
}

// complete is called once, by the goroutine that made the state complete. It hands the
// record to the recorder. A part is not handed over: its outer record has one pending part
// less, and will be handed over with all its parts.
func (r *Record) complete() {
	r.end.CompareAndSwap(0, Now())
	if r.outer.CompareAndSwap(nil, &alone) {
		r.recorder.finish(r)
		return
	}
	switch outer := r.outer.Load(); outer {
	case &unshown:
		r.recorder.live.Add(-1)
	default:
		outer.partCompleted()
	}
}
