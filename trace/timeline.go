package trace

import (
	"strconv"
	"time"

	"glasskv/trace/stages"
)

// Timeline is one finished request: what people are shown, and what programs read as
// JSON. All times are nanoseconds from the request's start.
type Timeline struct {
	TraceID     string            `json:"trace_id"`
	SpanID      string            `json:"span_id,omitempty"`
	ParentID    string            `json:"parent_span_id,omitempty"`
	Method      string            `json:"method"`
	Code        string            `json:"code"` // the gRPC code's name; "" when no reply was seen
	Message     string            `json:"message,omitempty"`
	Observer    Observer          `json:"observer"`
	Start       time.Time         `json:"start"`
	DurationNS  int64             `json:"duration_ns"`
	ExplainedNS int64             `json:"explained_ns"`
	Explained   float64           `json:"explained"` // ExplainedNS / DurationNS; 1 for an empty request
	Connection  Connection        `json:"connection"`
	BytesIn     int64             `json:"bytes_in"`
	BytesOut    int64             `json:"bytes_out"`
	Attributes  map[string]string `json:"attributes,omitempty"` // describe the whole request; keys as in the spans
	Stages      []StageTime       `json:"stages"`               // in the order of the path
	Ledger      []LedgerRow       `json:"ledger"`               // tiles 0 … DurationNS
	NotReached  []NotReached      `json:"not_reached,omitempty"`
	Parts       []Part            `json:"parts,omitempty"`    // requests that the server made to answer this one; stages count them from 1
	Problems    []string          `json:"problems,omitempty"` // contradictions found while reading it from a file

	ConnSpan Link `json:"-"` // the connection's span, when the timeline was made from a record
}

// Observer says who observed when the request began and ended.
type Observer string

// The observers.
const (
	ObserverClient Observer = "client" // our own client: what the caller waited
	ObserverServer Observer = "server" // first byte read to last byte written
)

// Connection is the connection that carried the request.
type Connection struct {
	ID     uint64 `json:"id"`
	Reused bool   `json:"reused"`
	Peer   string `json:"peer"`
	Local  string `json:"local,omitempty"`
}

// StageTime is one stage of one request. A connection's stages may begin below
// zero: the connection was there before the request.
type StageTime struct {
	Stage      string            `json:"stage"`
	Parent     string            `json:"parent,omitempty"`
	Scope      stages.Scope      `json:"scope"`
	BeginNS    int64             `json:"begin_ns"`
	EndNS      int64             `json:"end_ns"`
	BeginEdge  stages.Edge       `json:"begin_edge"`
	EndEdge    stages.Edge       `json:"end_edge"`
	Part       int               `json:"part,omitempty"`      // the number of the part that it belongs to; 0: the request itself
	SharedBy   int               `json:"shared_by,omitempty"` // requests that share a batch's stage
	Count      int               `json:"count,omitempty"`     // times it happened, where more than once
	Node       string            `json:"node,omitempty"`      // the member that did it; "client" for the client's own
	Open       bool              `json:"open,omitempty"`      // it had not ended when the request was over
	ID         stages.Stage      `json:"-"`                   // the stage in the catalogue, if it was known without its name; see Known
	Attributes map[string]string `json:"attributes,omitempty"`

	Span Link `json:"-"` // its span in the trace of a batch or a connection; zero: it is exported with the request
}

// known returns the stage in the catalogue, or stages.None for a span of another
// program. Any number of goroutines may call it.
func (st *StageTime) known() stages.Stage {
	if st.ID != stages.None {
		return st.ID
	}
	s, _ := stages.ByName(st.Stage)
	return s
}

// Duration returns the stage's length in nanoseconds; never negative.
func (st *StageTime) Duration() int64 { return max(0, st.EndNS-st.BeginNS) }

// LedgerRow is a piece of the request's waiting time and the stage that it was
// spent in.
type LedgerRow struct {
	Stage   string `json:"stage"` // or Unexplained
	BeginNS int64  `json:"begin_ns"`
	EndNS   int64  `json:"end_ns"`
}

// NotReached names a stage that the request did not pass, and why.
type NotReached struct {
	Stage string `json:"stage"`
	Why   string `json:"why"` // one of the Why constants
}

// The reasons why a stage was not reached. They are stable words for programs;
// the timeline says them in the reader's language.
const (
	WhyReused       = "connection reused"
	WhyUnknown      = "no such service or method"
	WhyMalformed    = "malformed method name"
	WhyBeforeTap    = "turned away while its headers were read"
	WhyRefused      = "refused before it was proposed"
	WhySerializable = "serializable read: no read index"
	WhyNoReply      = "no reply was written"
	WhyNotSeen      = "not seen"
	WhyServeHTTP    = "served through net/http: grpc-go has no connection of its own"
	WhyHTTP         = "an HTTP/1 request"
	WhyInProcess    = "made inside the server: no connection"
	WhyNoRequest    = "the connection never carried a request"
)

// Find returns the first stage s of the timeline, or nil where the request did not pass
// it.
func (t *Timeline) Find(s stages.Stage) *StageTime {
	for i := range t.Stages {
		if t.Stages[i].known() == s {
			return &t.Stages[i]
		}
	}
	return nil
}

// Stage returns the first stage of that name, or nil. It is for names that come from
// outside; a stage of the catalogue is what Find is for.
func (t *Timeline) Stage(name string) *StageTime {
	for i := range t.Stages {
		if t.Stages[i].Stage == name {
			return &t.Stages[i]
		}
	}
	return nil
}

// Streaming reports whether the request is a streaming call, or a request over HTTP/1
// that the gateway turned into a streaming call. A lock is neither: the watch inside it
// is one of several parts.
func (t *Timeline) Streaming() bool {
	return t.Attributes[AttrStreaming] == "true" ||
		len(t.Parts) == 1 && t.Parts[0].Attributes[AttrStreaming] == "true"
}

// Waited adds up the ledger by stage, in nanoseconds.
func (t *Timeline) Waited() map[string]int64 {
	sum := make(map[string]int64, len(t.Ledger))
	for _, row := range t.Ledger {
		sum[row.Stage] += row.EndNS - row.BeginNS
	}
	return sum
}

// folded reports whether the row sums up several stretches that were not kept one by one.
func (st *StageTime) folded() bool { return st.Count > 1 && st.Attributes[AttrTook] != "" }

// Took returns how long the stage took, in nanoseconds: the sum of its stretches for a
// folded row, otherwise its length.
func (st *StageTime) Took() int64 {
	if st.folded() {
		if took, err := strconv.ParseInt(st.Attributes[AttrTook], 10, 64); err == nil {
			return min(max(0, took), st.Duration()) // one after the other, whatever a file says
		}
	}
	return st.Duration()
}
