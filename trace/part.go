package trace

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
)

// Part is a request that the server made itself to answer the one that the
// timeline is about: the gateway's gRPC call, the transaction inside a lock. Its
// stages stand in the timeline with the part's number.
type Part struct {
	Method     string            `json:"method"`
	Code       string            `json:"code"`
	Message    string            `json:"message,omitempty"`
	TraceID    string            `json:"trace_id"`
	SpanID     string            `json:"span_id"`
	Under      string            `json:"under"`        // the stage that it lies in
	In         int               `json:"in,omitempty"` // the number of the part that this one is part of; 0: of the request itself
	BeginNS    int64             `json:"begin_ns"`
	EndNS      int64             `json:"end_ns"`
	Connection Connection        `json:"connection,omitzero"` // empty: none, it was made inside the server
	Attributes map[string]string `json:"attributes,omitempty"`

	conn Link // as in Timeline
}

// AttrNotShown counts the requests that the server made to answer this one and
// that are no parts of its timeline, because there were too many.
const AttrNotShown = "glasskv.parts.not_shown"

// embed adds the requests that the record is made of. A client's record takes the
// server's half of the same call for its own.
func (a *assembly) embed() {
	parts, more := a.r.parts()
	if more > 0 {
		a.set(AttrNotShown, strconv.Itoa(more))
	}
	if len(parts) == 0 {
		if a.r.repeats.Load() != nil {
			sortStages(a.t.Stages)
		}
		return
	}
	half := a.otherHalf(parts)
	for i, p := range parts {
		if i != half {
			a.graft(p)
		}
	}
	if half >= 0 {
		server := parts[half].rec
		*a.t = *join(a.t, server.assemble(nil), Alignment{Exact: true, ShiftNS: server.begin - a.r.begin})
	}
	sortStages(a.t.Stages)
}

// otherHalf returns which of the parts is the server's half of a client's call:
// the last of them, where the call was tried again.
func (a *assembly) otherHalf(parts []embeddedPart) int {
	if !a.r.Has(MarkClient) {
		return -1
	}
	for i, p := range slices.Backward(parts) {
		if !p.rec.Has(MarkClient) {
			return i
		}
	}
	return -1
}

// graft puts one part's stages where they were.
func (a *assembly) graft(p embeddedPart) {
	inner, shift := p.rec.assemble(nil), p.rec.begin-a.r.begin
	under := ""
	if s := a.nearest(p.under); s != None {
		under = s.String()
	}
	number := len(a.t.Parts) + 1
	a.t.Parts = append(a.t.Parts, Part{
		Method: inner.Method, Code: inner.Code, Message: inner.Message, TraceID: inner.TraceID, SpanID: inner.SpanID,
		Under: under, BeginNS: shift, EndNS: shift + inner.DurationNS,
		Connection: inner.Connection, Attributes: inner.Attributes, conn: inner.conn,
	})
	a.t.takeParts(inner, number, shift)
	for _, st := range inner.Stages {
		st.BeginNS, st.EndNS = st.BeginNS+shift, st.EndNS+shift
		st.Part += number
		if st.Parent == "" {
			st.Parent = under
		}
		a.t.Stages = append(a.t.Stages, st)
	}
}

// takeParts takes over another timeline's parts, which become part of the part
// with this number, or of the request itself.
func (t *Timeline) takeParts(from *Timeline, of int, shift int64) {
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

// sortStages puts stages into the order of the path, each part's after those of
// the part before. Stages that the catalogue does not know come last.
func sortStages(stages []StageTime) {
	slices.SortStableFunc(stages, func(a, b StageTime) int {
		return cmp.Or(
			cmp.Compare(a.Part, b.Part), cmp.Compare(a.rank(), b.rank()),
			cmp.Compare(a.BeginNS, b.BeginNS), cmp.Compare(a.EndNS, b.EndNS),
		)
	})
}

// rank is a stage's place on the path.
func (st *StageTime) rank() Stage {
	if s := st.stage(); s != None {
		return s
	}
	return NumStages
}

// text writes a part as it stands among the root span's attributes.
func (p *Part) text() string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // it has nothing but texts and numbers
	}
	return string(b)
}

func readPart(written string) (p Part, err error) {
	err = json.Unmarshal([]byte(written), &p)
	return p, err
}
