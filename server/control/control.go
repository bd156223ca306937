// Package control steers a running server: it holds requests where a stage
// begins, and switches faults on and off.
//
//	control.go   Steering and Controller, and what they speak of: breakpoints, holds, faults
//	parse.go     breakpoints and faults as they are written on a command line
//	errors.go    the errors that a user can cause, and the HTTP status of each
//	handler.go   serves a Steering over HTTP
//	client.go    the Controller that speaks to such a server
//
// There are two interfaces, one on each side:
//
//	a command or a page ── Controller ──┬── Local ──────────────────── Steering ── the server
//	                                    └── *Client ── HTTP ── Handler ──┘
//
// The package knows neither how requests are recorded nor how they are held. It
// names stages by their span names.
package control

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Steering is what a server implements. Its methods may be called by any number of
// goroutines at once and return at once. Their errors are for users, one line each:
// errors.Is finds ErrMistake in them if the arguments make no sense, and ErrUnknown
// if what they name does not exist or exists no longer.
type Steering interface {
	Holder
	Faulter

	// Watch calls notify for each event from now on, until cancel is called. It calls
	// it on the goroutine that the event is about, often a request's: notify must not
	// block, and must not call the Steering.
	Watch(notify func(Event)) (cancel func())
}

// Holder holds requests.
type Holder interface {
	// State returns the breakpoints and the requests that are held.
	State() State
	// SetBreak sets a breakpoint. It replaces the one on the same stage, if any. It
	// returns ErrMistake if the stage does not exist or cannot be held.
	SetBreak(b Break) error
	// ClearBreak removes the breakpoint on a stage, or all of them if stage is empty.
	// Requests that are held stay held. It returns ErrUnknown if the stage has no
	// breakpoint.
	ClearBreak(stage string) error
	// Hold describes a request that is held. It returns ErrUnknown if no request is
	// held under this ID.
	Hold(id int) (*Report, error)
	// Step lets a held request go on, and holds it at the next stage that it reaches
	// and that can be held. It returns ErrUnknown if no request is held under this ID.
	Step(id int) error
	// Continue lets a held request go on, or all of them if id is 0. It returns
	// ErrUnknown if no request is held under this ID.
	Continue(id int) error
}

// Faulter switches faults.
type Faulter interface {
	// Faults returns every fault that the server knows, whether it is on or off.
	Faults() []Fault
	// SetFault switches a fault on, or changes it if it is on. It returns ErrUnknown if
	// the server knows no such fault, and ErrMistake if the parameters make no sense.
	SetFault(f Fault) error
	// ClearFault switches a fault off, or all of them if name is empty. It returns
	// ErrUnknown if the server knows no such fault.
	ClearFault(name string) error
}

// Controller steers a server, wherever it runs: Local returns a Controller for a
// server in this process, and *Client is one for a server at an address. Each method
// does what the method of the same name in Steering does, returns the same errors, and
// also returns the state after the call. The methods may be called by any number of
// goroutines at once.
type Controller interface {
	// State returns the breakpoints and the requests that are held. If no request is
	// held, it first waits until one is, but no longer than wait.
	State(ctx context.Context, wait time.Duration) (State, error)
	SetBreak(ctx context.Context, b Break) (State, error)
	ClearBreak(ctx context.Context, stage string) (State, error)
	Hold(ctx context.Context, id int) (*Report, error)
	Step(ctx context.Context, id int) (State, error)
	Continue(ctx context.Context, id int) (State, error)

	Faults(ctx context.Context) ([]Fault, error)
	SetFault(ctx context.Context, f Fault) ([]Fault, error)
	ClearFault(ctx context.Context, name string) ([]Fault, error)
}

// Local returns the Controller of a server in this process.
func Local(s Steering) Controller { return local{s} }

type local struct{ Steering }

func (l local) State(ctx context.Context, wait time.Duration) (State, error) {
	if wait > 0 {
		if err := l.awaitHold(ctx, wait); err != nil {
			return State{}, err
		}
	}
	return l.Steering.State(), nil
}

// awaitHold returns when a request is held, or when wait is over. It returns an error
// only if ctx ends before that.
func (l local) awaitHold(ctx context.Context, wait time.Duration) error {
	held := make(chan struct{}, 1)
	cancel := l.Watch(func(e Event) {
		if e.Kind == Held {
			select {
			case held <- struct{}{}:
			default:
			}
		}
	})
	defer cancel()
	if len(l.Steering.State().Holds) > 0 { // held before Watch was called
		return nil
	}
	limit := time.NewTimer(wait)
	defer limit.Stop()
	select {
	case <-held:
	case <-limit.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

func (l local) Hold(_ context.Context, id int) (*Report, error) { return l.Steering.Hold(id) }

func (l local) SetBreak(_ context.Context, b Break) (State, error) {
	return l.stateAfter(l.Steering.SetBreak(b))
}

func (l local) ClearBreak(_ context.Context, stage string) (State, error) {
	return l.stateAfter(l.Steering.ClearBreak(stage))
}

func (l local) Step(_ context.Context, id int) (State, error) {
	return l.stateAfter(l.Steering.Step(id))
}

func (l local) Continue(_ context.Context, id int) (State, error) {
	return l.stateAfter(l.Steering.Continue(id))
}

func (l local) stateAfter(err error) (State, error) { return l.Steering.State(), err }

func (l local) Faults(context.Context) ([]Fault, error) { return l.Steering.Faults(), nil }

func (l local) SetFault(_ context.Context, f Fault) ([]Fault, error) {
	err := l.Steering.SetFault(f)
	return l.Steering.Faults(), err
}

func (l local) ClearFault(_ context.Context, name string) ([]Fault, error) {
	err := l.Steering.ClearFault(name)
	return l.Steering.Faults(), err
}

// NextHold asks for the state in calls of nextWait each. It pauses between them, since
// a call returns at once if only earlier holds are there.
const (
	nextWait  = 10 * time.Second
	nextPause = 100 * time.Millisecond
)

// NextHold waits until a hold with an ID above last appears, and returns that ID. IDs grow
// in the order in which requests are held. It returns an error if the server
// cannot be asked, or if ctx ends.
func NextHold(ctx context.Context, c Controller, last int) (id int, err error) {
	for {
		state, err := c.State(ctx, nextWait)
		if err != nil {
			return 0, err
		}
		for _, h := range state.Holds {
			if h.ID > last {
				return h.ID, nil
			}
		}
		select {
		case <-time.After(nextPause):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// Break is a breakpoint: it holds requests where a stage begins.
type Break struct {
	Stage     string   `json:"stage"`
	Method    string   `json:"method,omitempty"`     // only requests of this method, such as "Put" or "/etcdserverpb.KV/Put"
	KeyPrefix string   `json:"key_prefix,omitempty"` // only requests whose key begins with it
	Timeout   Duration `json:"timeout,omitempty"`    // the longest time that a request is held; 0: the server's own limit
	Once      bool     `json:"once,omitempty"`       // the breakpoint is removed after it has held one request
	Hits      int      `json:"hits,omitempty"`       // how many requests it has held; set by the server
}

// State is what a Holder returns: what is set, and what is held.
type State struct {
	Breaks []Break `json:"breaks"`
	Holds  []Hold  `json:"holds"`
	// Passed counts the requests that reached a breakpoint and were not held, because
	// MaxHolds requests were held already.
	Passed uint64 `json:"passed,omitempty"`
}

// MaxHolds is how many requests are held at most at the same time.
const MaxHolds = 16

// DefaultHoldTimeout is how long a server holds a request at most unless it is configured
// otherwise. MaxHoldTimeout is the highest value that can be configured, for the server or
// for a breakpoint.
const (
	DefaultHoldTimeout = time.Minute
	MaxHoldTimeout     = time.Hour
)

// Hold is one request that is held.
type Hold struct {
	ID      int       `json:"id"` // a number, counted from 1 in the order in which requests were held
	Stage   string    `json:"stage"`
	Why     string    `json:"why"` // "breakpoint", or "step"
	TraceID string    `json:"trace_id"`
	Method  string    `json:"method"`
	Key     string    `json:"key,omitempty"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"` // when it goes on by itself; it goes on earlier if its client gives up
	Lane    Lane      `json:"lane"`
	HeldUp  int       `json:"held_up"`        // other recorded requests that wait behind it
	With    int       `json:"with,omitempty"` // requests of its batch, itself included; 0 if it is in no batch
}

// Lane is the goroutine that a hold stops.
type Lane string

// The lanes. All but the first are shared.
const (
	LaneRequest  Lane = "request"   // the request's own goroutine
	LaneRaftLoop Lane = "raft loop" // saves to the log: every write waits, and every linearizable read
	LaneApply    Lane = "apply"     // changes the store: every write waits, and every linearizable read
	LaneReadLoop Lane = "read loop" // asks for read indexes: every linearizable read waits
)

// Shared reports whether other requests need the lane.
func (l Lane) Shared() bool { return l != LaneRequest }

// Event says that something has changed.
type Event struct {
	Kind  EventKind `json:"kind"`
	Hold  *Hold     `json:"hold,omitempty"`  // set if Kind is Held, Released or Passed
	Ended string    `json:"ended,omitempty"` // why, if Kind is Released: "continued", "stepped", "timeout", "client gone" or "stopping"
	Fault *Fault    `json:"fault,omitempty"` // the fault after the change, if Kind is FaultChanged
}

// EventKind says what has happened.
type EventKind string

// The kinds of events.
const (
	Held         EventKind = "held"     // a request was stopped
	Released     EventKind = "released" // a held request goes on
	Passed       EventKind = "passed"   // a request reached a breakpoint and was not held; see State.Passed
	FaultChanged EventKind = "fault"    // a fault was switched on, changed, or switched off
)

// Fault is something that goes wrong on purpose.
type Fault struct {
	Name        string   `json:"name"` // such as "slow-fsync"
	On          bool     `json:"on"`
	Delay       string   `json:"delay,omitempty"` // a time, or a distribution such as "uniform(10ms,80ms)"
	Probability float64  `json:"probability,omitempty"`
	Streams     int      `json:"streams,omitempty"`
	Bytes       int      `json:"bytes,omitempty"`
	Goroutines  int      `json:"goroutines,omitempty"`
	For         Duration `json:"for,omitempty"`    // how long it stays on; 0: until it is switched off
	Until       string   `json:"until,omitempty"`  // when it switches itself off, RFC 3339; set by the server
	Struck      uint64   `json:"struck,omitempty"` // how often it has struck since it was switched on; set by the server
	Counts      string   `json:"counts,omitempty"` // the amount it takes, one of Amounts; empty if it takes a delay; set by the server
	EN          string   `json:"en,omitempty"`     // what it does, in a line; set by the server
	ZH          string   `json:"zh,omitempty"`     // the same in Chinese
}

// Amounts are the names of the parameters that are whole numbers. Fault.Counts is one
// of them.
var Amounts = [...]string{"streams", "bytes", "goroutines"}

// Amount returns the parameter of this name, to be read or set; nil if the name is not
// in Amounts.
func (f *Fault) Amount(name string) *int {
	switch name {
	case "streams":
		return &f.Streams
	case "bytes":
		return &f.Bytes
	case "goroutines":
		return &f.Goroutines
	}
	return nil
}

// Duration is a time.Duration that is written in JSON as people write it: "50ms".
type Duration time.Duration

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON implements json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf(`a time is written as "50ms": %w`, err)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf(`a time is written as "50ms": %w`, err)
	}
	*d = Duration(parsed)
	return nil
}

// Report is what is known about a request that is held, and about what surrounds it.
type Report struct {
	Hold
	// Timeline is the request so far: a trace.Timeline in JSON.
	Timeline   json.RawMessage `json:"timeline"`
	Goroutines []Goroutine     `json:"goroutines"` // the held one first
	Raft       Raft            `json:"raft"`
	WAL        []Entry         `json:"wal"` // the entries saved last, the newest at the end; none from before the server was started
	Queues     Queues          `json:"queues"`
}

// Goroutine is a goroutine on the request's path.
type Goroutine struct {
	Role   string  `json:"role"`  // "held", "raft loop", "raft", "apply", "read loop", "handler", "loopyWriter" or "reader"
	State  string  `json:"state"` // as the runtime names it, such as "select"
	Frames []Frame `json:"frames"`
	More   int     `json:"more,omitempty"` // how many goroutines of the same role are left out
}

// Frame is a function on a goroutine's stack. Frames are listed innermost first, without
// those of the runtime and of the standard library.
type Frame struct {
	Symbol string `json:"symbol"` // such as "wal.(*WAL).Save"
	Place  string `json:"place"`  // "go.etcd.io/etcd/server/v3@v3.7.3/storage/wal/wal.go:960"
}

// Raft is raft's own status. IDs are hexadecimal, as in etcd's log.
type Raft struct {
	ID        string     `json:"id"`
	State     string     `json:"state"` // "StateLeader" and its siblings
	Term      uint64     `json:"term"`
	Leader    string     `json:"leader"`
	LastIndex uint64     `json:"last_index"` // the index of the last entry in raft's log, taken from the member's own progress
	Commit    uint64     `json:"commit"`
	Applied   uint64     `json:"applied"` // the index that the server has last reported to raft
	Progress  []Progress `json:"progress,omitempty"`
}

// Progress is how far the leader knows a member to be.
type Progress struct {
	ID    string `json:"id"`
	Match uint64 `json:"match"`
	Next  uint64 `json:"next"`
	State string `json:"state"`
}

// Entry is an entry of the log.
type Entry struct {
	Index     uint64 `json:"index"`
	Term      uint64 `json:"term"`
	Kind      string `json:"kind"` // "EntryNormal" or a change of the membership
	Bytes     int    `json:"bytes"`
	RequestID string `json:"request_id,omitempty"` // hexadecimal; empty if no request made the entry
}

// Queues are the lengths of the queues on the path.
type Queues struct {
	Proposals   int    `json:"proposals"`    // recorded writes between raft.propose and their result
	Unapplied   uint64 `json:"unapplied"`    // entries that are committed and not applied
	ApplyJobs   int64  `json:"apply_jobs"`   // batches of entries that the apply goroutine has not finished
	Readers     int    `json:"readers"`      // recorded reads that wait for a read index
	Requests    int64  `json:"requests"`     // recorded requests that are under way
	RecordsLeft uint64 `json:"records_left"` // finished records that the recorder's worker has not processed yet
}
