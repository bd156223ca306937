package hold

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Holds holds the requests of one server at breakpoints. It implements control.Holder.
// Its methods may be called by any goroutine. Reach, ReachShared, ReachBatch and Active
// may be called on a nil *Holds, which never holds a request.
type Holds struct {
	// armed says for each stage whether a request may be held there. While there is no
	// breakpoint and no step, this is all that a request's goroutine reads. The entry of
	// stages.None says whether a request is held, or any stage is armed.
	armed [stages.NumStages]atomic.Bool

	rec          *record.Recorder
	surroundings Surroundings
	events       events
	timeout      time.Duration // the time limit at a breakpoint without one of its own, and at a step
	stop         chan struct{} // closed by Close

	mu          sync.Mutex
	stopped     bool
	breakpoints []*control.Break
	stepping    map[*record.Record]struct{} // outermost records of requests that stop at the next stage they reach
	held        []*heldRequest              // ascending by ID
	lastID      int
	passed      uint64 // requests that were not held because control.MaxHolds others were
}

// heldRequest is one hold. Only its own goroutine and the holder of Holds.mu touch it.
type heldRequest struct {
	control.Hold
	rec       *record.Record
	batch     []*record.Record // if it reached the stage in a batch: all of the batch, rec included
	goroutine uint64           // the goroutine that waits
	timeline  json.RawMessage  // the request's timeline, up to the hold
	released  bool             // Step or Continue was called
	ended     chan string      // how Step or Continue ended it; has room for one
}

// Surroundings is what Holds asks of the server around it, when a request is held or
// when somebody looks at one. Its methods are called by any goroutine.
type Surroundings interface {
	// ContextOf returns the context of the request of a record. It ends when the client
	// gives up. For a request that has no context of its own it returns
	// context.Background().
	ContextOf(rec *record.Record) context.Context
	// EachProposal calls visit for the record of each proposal that is in raft or being
	// applied.
	EachProposal(visit func(rec *record.Record))
	// WaitingReaders counts the linearizable reads that wait for a read round, without
	// those in except.
	WaitingReaders(except []*record.Record) int
	// Raft returns raft's own status, or the zero value if raft is not started yet.
	Raft() control.Raft
	// LastSaved returns the last few entries that were saved to the log, in the log's
	// order.
	LastSaved() []control.Entry
	// Queues measures what can pile up on the path of a write, up to the commit index
	// committed. It leaves out Requests and RecordsLeft.
	Queues(committed uint64) control.Queues
}

// New returns the holds of one server, without a breakpoint. If timeout is not positive,
// it is control.DefaultHoldTimeout. SetSurroundings must be called before the server's
// first request.
func New(rec *record.Recorder, timeout time.Duration) *Holds {
	if timeout <= 0 {
		timeout = control.DefaultHoldTimeout
	}
	return &Holds{
		rec: rec, timeout: timeout, stop: make(chan struct{}), stepping: make(map[*record.Record]struct{}),
	}
}

// SetSurroundings sets the server around the holds. It is not an argument of New because the
// surroundings are built from the Holds. It is called once.
func (h *Holds) SetSurroundings(s Surroundings) { h.surroundings = s }

// Reach is called by a request's own goroutine right before it stamps the beginning of a
// stage. If the request is to be held there, Reach returns when the hold is over. It
// reports whether the request was held: if so, a stamp that was taken before the call is
// too old. The end of ctx, which is the request's context, ends the hold. rec may be nil.
func (h *Holds) Reach(ctx context.Context, rec *record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.hold(ctx, rec, s)
}

// ReachShared is Reach for a goroutine that works for all requests, and has no request's
// context at hand.
func (h *Holds) ReachShared(rec *record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.holdShared(rec, s)
}

// ReachBatch is Reach for a goroutine that takes several requests to a stage at once. If
// one of them is to be held, all of them are, in one hold. batch may be used again after
// the call.
func (h *Holds) ReachBatch(batch []*record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.holdBatch(batch, s)
}

func (h *Holds) hold(ctx context.Context, rec *record.Record, s stages.Stage) bool {
	begin := record.Now() // the row includes the time that enlist takes
	req := h.enlist(rec, s, nil)
	if req == nil {
		return false
	}
	h.wait(ctx, req, begin)
	return true
}

func (h *Holds) holdShared(rec *record.Record, s stages.Stage) bool {
	return rec != nil && h.hold(h.surroundings.ContextOf(rec), rec, s)
}

func (h *Holds) holdBatch(batch []*record.Record, s stages.Stage) bool {
	begin := record.Now()
	for _, rec := range batch {
		if req := h.enlist(rec, s, batch); req != nil {
			h.wait(h.surroundings.ContextOf(rec), req, begin)
			return true
		}
	}
	return false
}

// enlist returns a new hold if the request is to be held at the stage, and nil otherwise.
func (h *Holds) enlist(rec *record.Record, s stages.Stage, batch []*record.Record) *heldRequest {
	if rec == nil || rec.Finished() {
		return nil
	}
	req, full := h.add(rec, s, batch)
	if full {
		h.Publish(control.Event{Kind: control.Passed})
	}
	return req
}

// add appends a new hold to h.held if the request is to be held. If it is, but there are
// control.MaxHolds already, add returns nil and reports that the list is full. All that
// is shown of the hold is complete before h.mu is free again.
func (h *Holds) add(rec *record.Record, s stages.Stage, batch []*record.Record) (req *heldRequest, full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	why, timeout := h.reason(rec, s)
	if why == "" {
		if len(h.stepping) > 0 {
			h.arm() // the request that steps may be over, which nothing else would notice
		}
		return nil, false
	}
	if len(h.held) >= control.MaxHolds {
		h.passed++
		return nil, true
	}
	h.lastID++
	req = &heldRequest{rec: rec, ended: make(chan string, 1), goroutine: goroutineID()}
	req.batch = append(req.batch, batch...) // the caller uses its slice again
	now, outer := time.Now(), rec.Outermost()
	req.Hold = control.Hold{
		ID: h.lastID, Stage: s.String(), Why: why,
		TraceID: outer.TraceID(), Method: outer.Facts().Method, Key: rec.Key(),
		Since: now, Until: now.Add(timeout), Lane: laneOf(s), With: len(batch),
	}
	req.timeline = timelineSoFar(outer)
	h.held = append(h.held, req)
	h.useUp(rec, s)
	return req, false
}

// timelineSoFar returns the timeline of an unfinished request as JSON. Its caller is the
// goroutine that works for the request: no other may read a record that is not finished.
func timelineSoFar(rec *record.Record) json.RawMessage {
	text, err := json.Marshal(rec.Timeline())
	if err != nil {
		return nil // cannot happen: every field of a timeline can be written as JSON
	}
	return text
}

// wait blocks until the hold ends, and then cleans up after it.
func (h *Holds) wait(ctx context.Context, req *heldRequest, begin int64) {
	endRow := req.beginRow(begin)
	h.Publish(control.Event{Kind: control.Held, Hold: new(h.current(req))})
	timer := time.NewTimer(time.Until(req.Until))
	defer timer.Stop()
	var ended string
	select {
	case ended = <-req.ended:
	case <-timer.C:
		ended = trace.EndedTimeout
	case <-ctx.Done():
		ended = trace.EndedGone
	case <-h.stop:
		ended = trace.EndedStopping
	}
	h.Publish(control.Event{Kind: control.Released, Hold: h.remove(req), Ended: ended})
	if req.Lane.Shared() {
		h.addRowsBehind(req, begin, ended)
	}
	endRow(record.Now(), ended)
}

// beginRow begins the row seam.hold in the timeline of each request of the hold. It
// returns a function that ends these rows.
func (r *heldRequest) beginRow(begin int64) (endRow func(end int64, ended string)) {
	at, _ := stages.ByName(r.Stage)
	p := record.Pause{At: at, Why: r.Why, SharedBy: len(r.batch)}
	if r.batch == nil {
		return r.rec.Pause(stages.Hold, begin, p)
	}
	var ends []func(int64, string)
	for _, rec := range r.batch {
		ends = append(ends, rec.Pause(stages.Hold, begin, p))
	}
	return func(end int64, ended string) {
		for _, endRow := range ends {
			endRow(end, ended)
		}
	}
}

// remove takes a hold off the list. It returns the hold as it was until then.
func (h *Holds) remove(req *heldRequest) *control.Hold {
	last := h.current(req)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = slices.DeleteFunc(h.held, func(other *heldRequest) bool { return other == req })
	h.arm()
	return &last
}

// Close ends all holds. No request is held from then on. Close may be called more than
// once.
func (h *Holds) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped {
		return
	}
	h.stopped = true
	h.arm()
	close(h.stop)
}
