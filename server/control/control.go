// Package control steers a running server from outside: it holds requests where a
// stage begins, and switches faults on and off.
//
//	control.go   what can be steered: breakpoints, holds, faults; what is shown of a hold
//	parse.go     breakpoints and faults as they are written on a command line
//	errors.go    what a user can get wrong, and the HTTP status of each mistake
//	handler.go   the HTTP requests that steer a server
//	client.go    the other side, for commands
//
// It knows neither how requests are recorded nor how they are held: a Steering
// does the work, in the same process or, through Client, in another one. Stages
// are named by their span names.
package control

import (
	"encoding/json"
	"fmt"
	"time"
)

// Steering is what a server offers. Its methods may be called by any number of
// goroutines at once. Their errors are for users, a line each; errors.Is tells
// ErrMistake, a request that makes no sense, from ErrUnknown, something that is
// not there (any more).
type Steering interface {
	Holder
	Faulter

	// Watch calls told for each event from now on, until cancel is called. It runs
	// on the goroutine that the event is about, often that of a request: it must
	// not wait for anything, and must not call the Steering.
	Watch(told func(Event)) (cancel func())
}

// Holder holds requests.
type Holder interface {
	// State returns the breakpoints and the requests that are held.
	State() State
	// SetBreak sets a breakpoint, in place of the one on the same stage if there
	// is one. It returns ErrMistake when the stage is none or cannot be held.
	SetBreak(b Break) error
	// ClearBreak removes the breakpoint on a stage, or all of them when stage is
	// empty. Who is held stays held. It returns ErrUnknown when there is none.
	ClearBreak(stage string) error
	// Hold tells about a request that is held; ErrUnknown when it is not.
	Hold(id int) (*Report, error)
	// Step lets a held request go on to the next stage that can be held and that
	// this request reaches, and holds it there. It returns ErrUnknown when no such
	// request is held.
	Step(id int) error
	// Continue lets a held request go on; 0 lets all of them. It returns ErrUnknown
	// when no such request is held.
	Continue(id int) error
}

// Faulter switches faults.
type Faulter interface {
	// Faults lists all faults that there are, those that are off as well.
	Faults() []Fault
	// SetFault switches a fault on, or changes it. It returns ErrUnknown when there
	// is no such fault, and ErrMistake when its parameters make no sense.
	SetFault(f Fault) error
	// ClearFault switches a fault off, or all of them when name is empty. It
	// returns ErrUnknown when there is no such fault.
	ClearFault(name string) error
}

// Break holds requests where a stage begins.
type Break struct {
	Stage     string   `json:"stage"`
	Method    string   `json:"method,omitempty"`     // only requests of this method, such as "Put" or "/etcdserverpb.KV/Put"
	KeyPrefix string   `json:"key_prefix,omitempty"` // only requests whose key begins so
	Timeout   Duration `json:"timeout,omitempty"`    // the longest time that a request is held; 0: the server's own
	Once      bool     `json:"once,omitempty"`       // it is removed when it has held one request
	Hits      int      `json:"hits,omitempty"`       // how many it has held; set by the server
}

// State is what a Holder has to tell.
type State struct {
	Breaks []Break `json:"breaks"`
	Holds  []Hold  `json:"holds"`
	// Passed counts the requests that met a breakpoint and were let through,
	// because MaxHolds were held already.
	Passed uint64 `json:"passed,omitempty"`
}

// MaxHolds is how many requests are held at most at the same time.
const MaxHolds = 16

// How long a request is held at most: when nothing else is asked for, and at all.
const (
	DefaultHoldTimeout = time.Minute
	MaxHoldTimeout     = time.Hour
)

// Hold is one request that is held.
type Hold struct {
	ID      int       `json:"id"` // from 1, in the order in which they were held
	Stage   string    `json:"stage"`
	Why     string    `json:"why"` // "breakpoint", or "step"
	TraceID string    `json:"trace_id"`
	Method  string    `json:"method"`
	Key     string    `json:"key,omitempty"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"` // it goes on by itself then, or earlier when its client gives up
	Lane    Lane      `json:"lane"`
	HeldUp  int       `json:"held_up"`        // other requests that wait behind it, as far as they are recorded
	With    int       `json:"with,omitempty"` // requests of its batch, itself included; 0 where there is no batch
}

// Lane is the goroutine that stands still.
type Lane string

// The lanes. All but the first are shared.
const (
	LaneRequest  Lane = "request"   // the request's own
	LaneRaftLoop Lane = "raft loop" // the one that saves to the log: every write waits, and every linearizable read
	LaneApply    Lane = "apply"     // the one that changes the store: every write waits, and every linearizable read
	LaneReadLoop Lane = "read loop" // the one that asks for read indexes: every linearizable read waits
)

// Shared reports whether other requests need the lane.
func (l Lane) Shared() bool { return l != LaneRequest }

// Event tells that something has changed.
type Event struct {
	Kind  EventKind `json:"kind"`
	Hold  *Hold     `json:"hold,omitempty"`  // of the first three kinds
	Ended string    `json:"ended,omitempty"` // of Released: "continued", "stepped", "timeout", "client gone" or "stopping"
	Fault *Fault    `json:"fault,omitempty"` // of FaultChanged, as it is now
}

// EventKind says what has happened.
type EventKind string

// The kinds of events.
const (
	Held         EventKind = "held"     // a request stands still
	Released     EventKind = "released" // it goes on
	Passed       EventKind = "passed"   // it met a breakpoint and was let through, see State.Passed
	FaultChanged EventKind = "fault"    // one was switched on, changed, or switched off
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
	For         Duration `json:"for,omitempty"`    // it ends by itself after this time; 0: it does not
	Until       string   `json:"until,omitempty"`  // when that is, RFC 3339; set by the server
	Struck      uint64   `json:"struck,omitempty"` // how often it has struck since it was switched on; set by the server
	EN          string   `json:"en,omitempty"`     // what it does, in a line; set by the server
	ZH          string   `json:"zh,omitempty"`     // the same in Chinese
}

// Duration is a time in JSON as people write it: "50ms".
type Duration time.Duration

// String writes it as time.Duration does.
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

// Report is what is shown of a request that is held.
type Report struct {
	Hold
	// Timeline is the request so far, as a timeline is written in JSON.
	Timeline   json.RawMessage `json:"timeline"`
	Goroutines []Goroutine     `json:"goroutines"` // the one that is held first
	Raft       Raft            `json:"raft"`
	WAL        []Entry         `json:"wal"` // the last entries saved since the server was started, the last one last
	Queues     Queues          `json:"queues"`
}

// Goroutine is one that the request meets on its way.
type Goroutine struct {
	Role   string  `json:"role"`  // "held", "raft loop", "raft", "apply", "read loop", "handler", "loopyWriter" or "reader"
	State  string  `json:"state"` // as the runtime calls it, such as "select"
	Frames []Frame `json:"frames"`
	More   int     `json:"more,omitempty"` // goroutines of the same role that are not shown
}

// Frame is a function that a goroutine is in, the innermost first. Those of the
// runtime and of the standard library are left out.
type Frame struct {
	Symbol string `json:"symbol"` // such as "wal.(*WAL).Save"
	Place  string `json:"place"`  // "go.etcd.io/etcd/server/v3@v3.7.3/storage/wal/wal.go:960"
}

// Raft is what raft says of itself. The IDs are hexadecimal, as in etcd's log.
type Raft struct {
	ID        string     `json:"id"`
	State     string     `json:"state"` // "StateLeader" and its siblings
	Term      uint64     `json:"term"`
	Leader    string     `json:"leader"`
	LastIndex uint64     `json:"last_index"` // of the last entry in raft's log, as far as its progress tells
	Commit    uint64     `json:"commit"`
	Applied   uint64     `json:"applied"` // as raft was told
	Progress  []Progress `json:"progress,omitempty"`
}

// Progress is how far a member has come, as the leader knows.
type Progress struct {
	ID    string `json:"id"`
	Match uint64 `json:"match"`
	Next  uint64 `json:"next"`
	State string `json:"state"`
}

// Entry is one of the log.
type Entry struct {
	Index     uint64 `json:"index"`
	Term      uint64 `json:"term"`
	Kind      string `json:"kind"` // "EntryNormal" or a change of the membership
	Bytes     int    `json:"bytes"`
	RequestID string `json:"request_id,omitempty"` // hexadecimal; empty for entries that no request made
}

// Queues are the lengths of what can pile up.
type Queues struct {
	Proposals   int    `json:"proposals"`    // recorded writes between raft.propose and their result
	Unapplied   uint64 `json:"unapplied"`    // entries that are committed and not applied
	ApplyJobs   int64  `json:"apply_jobs"`   // batches of those that apply has not finished
	Readers     int    `json:"readers"`      // recorded reads that wait for a read index
	Requests    int64  `json:"requests"`     // records of requests that are under way
	RecordsLeft uint64 `json:"records_left"` // finished records that the recorder's worker has still to look at
}
