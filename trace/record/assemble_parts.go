package record

import (
	"slices"
	"strconv"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// embed adds the requests that the record is made of. A client's record takes the
// server's half of the same call for its own.
func (a *assembly) embed() {
	parts, more := a.r.parts()
	if more > 0 {
		a.set(trace.AttrNotShown, strconv.Itoa(more))
	}
	if len(parts) == 0 {
		if a.r.repeats.Load() != nil {
			trace.SortStages(a.t.Stages)
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
		*a.t = *trace.Join(a.t, server.Assemble(nil), trace.Alignment{Exact: true, ShiftNS: server.begin - a.r.begin})
	}
	trace.SortStages(a.t.Stages)
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
	inner, shift := p.rec.Assemble(nil), p.rec.begin-a.r.begin
	under := ""
	if s := a.nearest(p.under); s != stages.None {
		under = s.String()
	}
	number := len(a.t.Parts) + 1
	a.t.Parts = append(a.t.Parts, trace.Part{
		Method: inner.Method, Code: inner.Code, Message: inner.Message, TraceID: inner.TraceID, SpanID: inner.SpanID,
		Under: under, BeginNS: shift, EndNS: shift + inner.DurationNS,
		Connection: inner.Connection, Attributes: inner.Attributes, ConnSpan: inner.ConnSpan,
	})
	a.t.TakeParts(inner, number, shift)
	for _, st := range inner.Stages {
		st.BeginNS, st.EndNS = st.BeginNS+shift, st.EndNS+shift
		st.Part += number
		if st.Parent == "" {
			st.Parent = under
		}
		a.t.Stages = append(a.t.Stages, st)
	}
}
