package record

import (
	"sync"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// embedded lists the requests that a record is made of.
type embedded struct {
	mu       sync.Mutex
	closed   bool // the record is finished: nothing is added any more
	parts    []embeddedPart
	notShown int // not kept
}

type embeddedPart struct {
	rec   *Record
	under stages.Stage
}

// What stands in place of the outer record of one that has none: it finished on
// its own, or there was no room for it.
var alone, unshown Record

// closedAndEmpty is the list of a finished record that embedded nothing.
var closedAndEmpty = &embedded{closed: true}

// Embed makes inner a part of r's timeline: a request that the server made
// itself to answer r, such as the gateway's gRPC call, or the transaction inside
// a lock. Inner's stages are shown inside r's stage under, and inner has no
// timeline of its own any more. r is complete only when inner is. It may be
// called several times, by several goroutines, before r is finished and before
// inner is; those beyond maxEmbedded are not shown, and counted. It reports
// false, and changes nothing, when one of the two is finished already or inner is
// part of another request.
//
// A client's record may embed the server's record of the same call; the two are
// then merged.
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

// addPart adds a part to the list. It is not shown, but counted, when there is no
// room or the record was closed meanwhile; not ok when it has finished already.
// Under the lock, so that a part that finishes now finds itself in the list.
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

// parts returns the requests that the record is made of, and how many more there
// were.
func (r *Record) parts() ([]embeddedPart, int) {
	list := r.embedded.Load()
	if list == nil || list == closedAndEmpty {
		return nil, 0
	}
	list.mu.Lock()
	defer list.mu.Unlock()
	return list.parts[:len(list.parts):len(list.parts)], list.notShown
}

// closeParts ends the list, and returns it.
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

// outermost returns the record whose timeline shows this one: mostly itself.
func (r *Record) outermost() *Record {
	for {
		outer := r.outer.Load()
		if outer == nil || outer == &alone || outer == &unshown {
			return r
		}
		r = outer
	}
}

// Outermost returns the record whose timeline shows this one: mostly itself. A
// transaction inside a lock is shown in the lock's.
func (r *Record) Outermost() *Record {
	if r == nil {
		return nil
	}
	return r.outermost()
}

// isPart reports whether the record is shown in another one's timeline.
func (r *Record) isPart() bool { return r.outermost() != r }

// weight is how many records this one keeps in memory, itself included.
func (r *Record) weight() int {
	n := 1
	parts, _ := r.parts()
	for _, p := range parts {
		n += p.rec.weight()
	}
	return n
}

// hasTraceID reports whether the record, or one that it is made of, has this trace
// ID.
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

// The state of a record: which of its events have come, whether it waits for
// parts no longer, and how many of its parts are under way.
const (
	stateClosed  = uint32(AllEvents) + 1
	statePending = stateClosed << 1 // of one part
)

func isComplete(state uint32) bool {
	return Event(state)&AllEvents == AllEvents && (state < statePending || state&stateClosed != 0)
}

// expectPart has the record wait for one more part. It reports false when the record
// is complete.
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

// partCompleted is called when a part is complete.
func (r *Record) partCompleted() {
	after := r.state.Add(^(statePending - 1))
	if isComplete(after) && !isComplete(after+statePending) {
		r.complete()
	}
}

// complete is called once, on whichever goroutine brought the last event. A part
// goes to the recorder with the record that it is part of.
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
