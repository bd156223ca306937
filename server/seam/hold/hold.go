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

// Holds keeps requests standing where a stage begins, for as long as somebody
// looks at them. The seams ask it right before they stamp a begin, so the stage's
// own length stays true and the hold is a row of its own.
//
//	hold.go         reaching a stage, and standing there
//	hold_break.go   breakpoints, and which requests they are for
//	hold_steer.go   step, continue, and what is held
//	hold_behind.go  who else waits when a goroutine that requests share stands still
//	hold_report.go  what is shown of a request that is held
//	hold_stacks.go  the goroutines that it meets
//	hold_tail.go    the end of the log
//	hold_events.go  those who want to be told
type Holds struct {
	// armed tells for each stage whether a request may be held there. It is all that
	// a request's way looks at while nobody has asked for anything.
	armed [stages.NumStages]atomic.Bool

	rec     *record.Recorder
	around  Surroundings
	events  events
	timeout time.Duration
	stop    chan struct{} // closed when nobody may be held any more

	mu       sync.Mutex
	stopped  bool
	breaks   []*control.Break
	stepping map[*record.Record]struct{} // requests that are to be held at their next stage
	held     []*held                     // in the order in which they were held
	last     int                         // the number of the last hold
	passed   uint64
}

// held is one request that stands still.
type held struct {
	control.Hold
	rec       *record.Record
	with      []*record.Record // those of its batch, itself included; nil where there is none
	goroutine uint64
	timeline  json.RawMessage
	free      chan string // says how it ended; has room for one word
	freed     bool        // a word was said
}

// Surroundings are what holds ask of the server around them, when somebody looks or
// is held. Each method may be called by any goroutine.
type Surroundings interface {
	// ContextOf returns the context of a request of which only the record is at
	// hand. It ends when the client gives up. For a request without a context of
	// its own it is the background.
	ContextOf(rec *record.Record) context.Context
	// EachProposal calls visit for the record of each proposal that is in raft or
	// being applied.
	EachProposal(visit func(rec *record.Record))
	// Readers counts the linearizable reads that wait for a read round, without
	// those in but.
	Readers(but []*record.Record) int
	// Raft returns raft's own status; the zero value before raft is started.
	Raft() control.Raft
	// LastSaved returns the last entries of the log, the last one last.
	LastSaved() []control.Entry
	// Queues counts what piles up on the way of a write; committed is raft's commit
	// index. Requests and RecordsLeft are left out.
	Queues(committed uint64) control.Queues
}

// newHolds returns holds at which nobody is held until there is a breakpoint. A
// timeout of zero means control.DefaultHoldTimeout. Surround must be called before
// the first request.
func New(rec *record.Recorder, timeout time.Duration) *Holds {
	if timeout <= 0 {
		timeout = control.DefaultHoldTimeout
	}
	return &Holds{
		rec: rec, timeout: timeout, stop: make(chan struct{}), stepping: make(map[*record.Record]struct{}),
	}
}

// Surround gives the holds their surroundings.
func (h *Holds) Surround(s Surroundings) { h.around = s }

// At holds the request if somebody wants it held where this stage begins. It
// reports whether it did: a stamp that was taken before is too old then. The
// context is the request's. With a nil h nobody is ever held.
func (h *Holds) At(ctx context.Context, rec *record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.reach(ctx, rec, s)
}

// Shared is at for a goroutine that requests share, which has no request's context
// at hand.
func (h *Holds) Shared(rec *record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.reachShared(rec, s)
}

// Together is at for requests that reach the stage as one batch. One of them is
// held, and the others with it.
func (h *Holds) Together(batch []*record.Record, s stages.Stage) bool {
	return h != nil && h.armed[s].Load() && h.reachTogether(batch, s)
}

func (h *Holds) reach(ctx context.Context, rec *record.Record, s stages.Stage) bool {
	begin := record.Now() // what it takes to prepare the hold is part of it
	one := h.catch(rec, s, nil)
	if one == nil {
		return false
	}
	h.keep(ctx, one, begin)
	return true
}

func (h *Holds) reachShared(rec *record.Record, s stages.Stage) bool {
	return rec != nil && h.reach(h.around.ContextOf(rec), rec, s)
}

func (h *Holds) reachTogether(batch []*record.Record, s stages.Stage) bool {
	begin := record.Now()
	for _, rec := range batch {
		if one := h.catch(rec, s, batch); one != nil {
			h.keep(h.around.ContextOf(rec), one, begin)
			return true
		}
	}
	return false
}

// catch decides whether a request is to be held, and puts it on the list then.
func (h *Holds) catch(rec *record.Record, s stages.Stage, batch []*record.Record) *held {
	if rec == nil || rec.Finished() {
		return nil
	}
	one, full := h.list(rec, s, batch)
	if full {
		h.events.tell(control.Event{Kind: control.Passed})
	}
	return one
}

// list puts a request on the list of those that are held, if it is to be. It
// reports whether there was no room for it. Everything that is shown of it is
// prepared here, before anybody can ask.
func (h *Holds) list(rec *record.Record, s stages.Stage, batch []*record.Record) (one *held, full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	why, timeout := h.wanted(rec, s)
	if why == "" {
		if len(h.stepping) > 0 {
			h.arm() // who stepped may be over: nobody else would notice
		}
		return nil, false
	}
	if len(h.held) >= control.MaxHolds {
		h.passed++
		return nil, true
	}
	h.last++
	one = &held{rec: rec, free: make(chan string, 1), goroutine: goroutineID()}
	one.with = append(one.with, batch...) // the batch's own memory is used again
	now, outer := time.Now(), rec.Outermost()
	one.Hold = control.Hold{
		ID: h.last, Stage: s.String(), Why: why,
		TraceID: outer.TraceID(), Method: outer.Facts().Method, Key: rec.Key(),
		Since: now, Until: now.Add(timeout), Lane: laneOf(s), With: len(batch),
	}
	one.timeline = soFar(outer)
	h.held = append(h.held, one)
	h.taken(rec, s)
	return one, false
}

// soFar makes the timeline of an unfinished request. It runs on the request's own
// goroutine, or on one that has the request to itself: nobody else may look at a
// record that is not finished.
func soFar(rec *record.Record) json.RawMessage {
	text, err := json.Marshal(rec.Timeline())
	if err != nil {
		return nil // a timeline has nothing in it that could not be written
	}
	return text
}

// keep stands still until somebody says go on, the time is up, or nobody waits
// for the request any more.
func (h *Holds) keep(ctx context.Context, one *held, begin int64) {
	resume := one.pause(begin)
	h.events.tell(control.Event{Kind: control.Held, Hold: h.copyOf(one)})
	timer := time.NewTimer(time.Until(one.Until))
	defer timer.Stop()
	var ended string
	select {
	case ended = <-one.free:
	case <-timer.C:
		ended = trace.EndedTimeout
	case <-ctx.Done():
		ended = trace.EndedGone
	case <-h.stop:
		ended = trace.EndedStopping
	}
	h.events.tell(control.Event{Kind: control.Released, Hold: h.release(one), Ended: ended})
	if one.Lane.Shared() {
		h.markBehind(one, begin, ended)
	}
	resume(record.Now(), ended)
}

// pause begins the row of the hold, in the record of each request that waits.
func (one *held) pause(begin int64) (resume func(end int64, ended string)) {
	at, _ := stages.ByName(one.Stage)
	p := record.Pause{At: at, Why: one.Why, SharedBy: len(one.with)}
	if one.with == nil {
		return one.rec.Pause(stages.Hold, begin, p)
	}
	var all []func(int64, string)
	for _, rec := range one.with {
		all = append(all, rec.Pause(stages.Hold, begin, p))
	}
	return func(end int64, ended string) {
		for _, resume := range all {
			resume(end, ended)
		}
	}
}

// release takes a request off the list, and returns what was said about it.
func (h *Holds) release(one *held) *control.Hold {
	told := h.copyOf(one)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = slices.DeleteFunc(h.held, func(other *held) bool { return other == one })
	h.arm()
	return told
}

// Close lets everybody go on, and holds nobody from then on.
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
