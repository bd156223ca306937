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

	ConnSpan Link `json:"-"` // see Timeline.ConnSpan
}

// TakeParts appends the parts of another timeline, which began shift nanoseconds after
// t. They become parts of t's part with the number parent, counted from 1, or, if parent
// is 0, parts of the request itself.
func (t *Timeline) TakeParts(from *Timeline, parent int, shift int64) {
	base := len(t.Parts)
	for _, part := range from.Parts {
		part.BeginNS, part.EndNS = part.BeginNS+shift, part.EndNS+shift
		if part.In > 0 {
			part.In += base
		} else {
			part.In = parent
		}
		if parent > 0 { // as its stages do
			part.Under = cmp.Or(part.Under, t.Parts[parent-1].Under)
		}
		t.Parts = append(t.Parts, part)
	}
}

// SortStages puts stages into the order of the path, each part's after those of
// the previous part. Stages that the catalogue does not know come last.
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
