package trace

import (
	"cmp"
	"slices"

	"glasskv/trace/stages"
)

// Part is a request that the server made itself to answer the request that the timeline
// is about: the gateway's gRPC call, the transaction inside a lock. Its stages are in the
// timeline, with the part's number.
type Part struct {
	Method     string            `json:"method"`
	Code       string            `json:"code"`
	Message    string            `json:"message,omitempty"`
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	Under      string            `json:"under"`        // the stage during which it was made
	In         int               `json:"in,omitempty"` // the number of the part that contains this one; 0: the request itself contains it
	BeginNS    int64             `json:"begin_ns"`
	EndNS      int64             `json:"end_ns"`
	Connection Connection        `json:"connection,omitzero"` // empty if the request was made inside the server, without a connection
	Attributes map[string]string `json:"attributes,omitempty"`

	ConnSpan Link `json:"-"` // as in Timeline
}

// TakeParts appends the parts of another timeline, which began shift nanoseconds after
// t. If of is above 0, they become parts of t's part with that number, counted from 1; if
// of is 0, they become parts of the request itself.
func (t *Timeline) TakeParts(from *Timeline, of int, shift int64) {
	base := len(t.Parts)
	for _, part := range from.Parts {
		part.BeginNS, part.EndNS = part.BeginNS+shift, part.EndNS+shift
		if part.In > 0 {
			part.In += base
		} else {
			part.In = of
		}
		if of > 0 { // as its stages do
			part.Under = cmp.Or(part.Under, t.Parts[of-1].Under)
		}
		t.Parts = append(t.Parts, part)
	}
}

// SortStages puts stages into the order of the path, each part's after those of
// the part before. Stages that the catalogue does not know come last.
func SortStages(stages []StageTime) {
	slices.SortStableFunc(stages, func(a, b StageTime) int {
		return cmp.Or(
			cmp.Compare(a.Part, b.Part), cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(a.BeginNS, b.BeginNS), cmp.Compare(a.EndNS, b.EndNS),
		)
	})
}

// rank is a stage's place on the path.
func (st *StageTime) rank() stages.Stage {
	if s := st.known(); s != stages.None {
		return s
	}
	return stages.NumStages
}

// MaxEmbedded bounds how many requests one record makes a part of itself. The
// others are counted.
const MaxEmbedded = 32
