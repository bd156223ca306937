package record

import (
	"net/http"
	"strconv"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Timeline puts a record in order. It may be called at any time; stages that
// have begun and not ended are marked open. It costs some microseconds and is
// not for the request's way.
func (r *Record) Timeline() *trace.Timeline {
	t := r.Assemble(make([]trace.StageTime, 0, 32))
	trace.FillLedger(t)
	return t
}

// Assemble makes the timeline without its ledger. Its stages go into the given
// slice, as far as there is room.
func (r *Record) Assemble(stages []trace.StageTime) *trace.Timeline {
	t := &trace.Timeline{
		TraceID: r.traceID.String(), SpanID: trace.FormatSpanID(r.spanID),
		Method: trace.ValidUTF8(r.facts.Method), Observer: trace.ObserverServer,
		Start: Wall(r.begin).UTC(), BytesIn: r.bytesIn.Load(), BytesOut: r.bytesOut.Load(),
	}
	if r.parentID.Lo != 0 {
		t.ParentID = trace.FormatSpanID(r.parentID.Lo)
	}
	if r.Has(MarkClient) {
		t.Observer = trace.ObserverClient
	}
	if code, seen := r.Code(); seen {
		t.Code = trace.CodeName(code)
	} else if status := r.facts.HTTPStatus; status != 0 {
		t.Code = statusLine(status)
	}
	if m := r.message.Load(); m != nil {
		t.Message = trace.ValidUTF8(*m)
	}
	t.Stages = stages[:0]
	a := assembly{r: r, t: t, end: r.over()}
	t.DurationNS = max(0, a.end-r.begin)
	a.connection()
	a.stages()
	a.attributes()
	t.NotReached = whyNot(r, t)
	a.embed()
	return t
}

type assembly struct {
	r   *Record
	t   *trace.Timeline
	end int64 // the stamp that ends the request

	opened          *Conn        // the connection, if this request opened it
	handler, change stages.Stage // of the handlers, and of the changes, the one that it passed

	passed [stages.NumStages]bool // stages that the timeline has; parents come before their children
}

// set adds an attribute of the whole request.
func (a *assembly) set(key, value string) {
	if a.t.Attributes == nil {
		a.t.Attributes = make(map[string]string)
	}
	a.t.Attributes[key] = value
}

func (a *assembly) connection() {
	c := a.r.conn
	if c == nil {
		return
	}
	opener := a.r.Has(MarkOpener)
	a.t.Connection = trace.Connection{ID: c.ID, Reused: !opener, Peer: c.Peer, Local: c.Local}
	a.t.ConnSpan = c.Link()
	if opener {
		a.opened = c
	}
}

func (a *assembly) stages() {
	a.handler, a.change = a.passes(stages.FirstHandler, stages.GRPCHandler), a.passes(stages.TxnPut, stages.ApplyLease)
	rs := a.r.repeats.Load()
	for s := stages.None + 1; s < stages.NumStages; s++ {
		if stages.FirstConn <= s && s <= stages.LastConn {
			a.connStage(s)
			continue
		}
		begin, end := a.r.Stamps(s)
		a.add(s, begin, end)
		if rs != nil {
			a.repeated(s, rs)
		}
		switch s {
		case stages.HTTPReadRequest:
			a.awaited()
		case stages.Fault:
			a.connFaults()
		case stages.HandleStream:
			a.unseen()
		case stages.RaftHandleReady: // after it, so that raft.waitReady is known
			a.busy()
		case stages.WALSave:
			a.batch(a.r.save.Load())
		case stages.ReadWait:
			a.batch(a.r.round.Load())
		}
	}
}

// unseen marks the end of grpc.startHandler where handleStream, which comes
// next, was not seen to begin.
func (a *assembly) unseen() {
	if st := a.t.Find(stages.StartHandler); st != nil && !a.passed[stages.HandleStream] {
		st.EndEdge = stages.Inferred
	}
}

// awaited marks the begin of http.readRequest where no request came of it: which
// byte was a request's first is not known, and all the time is counted that
// net/http waited for one.
func (a *assembly) awaited() {
	if a.r.Has(MarkConnection) && a.passed[stages.HTTPReadRequest] {
		a.t.Find(stages.HTTPReadRequest).BeginEdge = stages.Inferred
	}
}

// busy says how much of raft.waitReady the raft loop spent on the batch before:
// that is where group commit comes from, and most of the waiting under load.
func (a *assembly) busy() {
	b, st := a.r.save.Load(), a.t.Find(stages.RaftWaitReady)
	if b == nil || st == nil {
		return
	}
	begin, end := b.before.begin.Load()-a.r.begin, b.before.end.Load()-a.r.begin
	if overlap := min(end, st.EndNS) - max(begin, st.BeginNS); overlap > 0 {
		st.Attributes = map[string]string{trace.AttrBusy: strconv.FormatInt(overlap, 10)}
	}
}

func (a *assembly) connStage(s stages.Stage) {
	if a.opened == nil {
		return
	}
	begin, end := a.opened.Stamps(s)
	if st := a.add(s, begin, end); st != nil {
		st.Span, st.Attributes = a.opened.Span(s), a.opened.Attributes(s)
	}
}

// batch adds the two stages that a batch carries for all its requests.
func (a *assembly) batch(b *Batch) {
	if b == nil {
		return
	}
	complete := b.complete()
	for _, stage := range []stages.Stage{b.Kind, b.Inside()} {
		begin, end := b.Times(stage)
		st := a.add(stage, begin, end)
		if st == nil {
			continue
		}
		st.Scope, st.SharedBy = stages.ScopeBatch, b.Members()
		if stage == b.Kind {
			st.Attributes = b.Attributes()
		}
		if complete {
			st.Span = b.Span(stage)
		}
		if stage == stages.WALSync && b.SyncInferred.Load() {
			st.BeginEdge, st.EndEdge = stages.Inferred, stages.Inferred
		}
	}
}

// add appends a stage that was stamped. A begin without an end is open. An end
// before its begin was stamped by a goroutine that was quicker than the one that
// had to begin: the stage is empty, and stands where it ended.
func (a *assembly) add(s stages.Stage, begin, end int64) *trace.StageTime {
	if begin == 0 {
		return nil
	}
	spec := stages.SpecOf(s)
	a.passed[s] = true
	st := trace.StageTime{
		Stage: spec.Name, ID: s, Scope: spec.Scope, BeginEdge: spec.Begin.Edge, EndEdge: spec.End.Edge,
		BeginNS: begin - a.r.begin,
	}
	if parent := a.parent(spec); parent != stages.None {
		st.Parent = parent.String()
	}
	switch {
	case stages.LastsAsConn(s) && (end == 0 || end > a.end):
		st.EndNS, st.Open = a.end-a.r.begin, true
	case end == 0:
		st.EndNS, st.Open, st.EndEdge = a.end-a.r.begin, true, stages.Inferred
	default:
		st.EndNS = end - a.r.begin
		st.BeginNS = min(st.BeginNS, st.EndNS)
	}
	st.EndNS = max(st.BeginNS, st.EndNS)
	a.t.Stages = append(a.t.Stages, st)
	return &a.t.Stages[len(a.t.Stages)-1]
}

// statusLine writes an HTTP status as its reply does: "200 OK".
func statusLine(status int) string {
	if words := http.StatusText(status); words != "" {
		return strconv.Itoa(status) + " " + words
	}
	return strconv.Itoa(status)
}
