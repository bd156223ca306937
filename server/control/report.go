package control

import "encoding/json"

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
