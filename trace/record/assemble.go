package record

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Timeline puts a record in order. It may be called at any time; stages that
// have begun and not ended are marked open. It costs some microseconds and is
// not for the request's way.
func (r *Record) Timeline() *trace.Timeline {
	t := r.assemble(make([]trace.StageTime, 0, 32))
	trace.FillLedger(t)
	return t
}

// assemble makes the timeline without its ledger. Its stages go into the given
// slice, as far as there is room.
func (r *Record) assemble(stages []trace.StageTime) *trace.Timeline {
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
	a := assembly{r: r, t: t, end: r.endStamp()}
	t.DurationNS = max(0, a.end-r.begin)
	a.connection()
	a.stages()
	a.attributes()
	t.NotReached = notReached(r, t)
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
	a.t.ConnSpan = c.Span()
	if opener {
		a.opened = c
	}
}

func (a *assembly) stages() {
	a.handler, a.change = a.firstStamped(stages.FirstHandler, stages.GRPCHandler), a.firstStamped(stages.TxnPut, stages.ApplyLease)
	rs := a.r.repeats.Load()
	for s := stages.None + 1; s < stages.NumStages; s++ {
		if stages.FirstConn <= s && s <= stages.LastConn {
			a.connStage(s)
			continue
		}
		begin, end := a.r.Stamps(s)
		a.add(s, begin, end)
		if rs != nil {
			a.addRepeats(s, rs)
		}
		switch s {
		case stages.HTTPReadRequest:
			a.inferReadRequestBegin()
		case stages.Fault:
			a.connFaults()
		case stages.HandleStream:
			a.inferStartHandlerEnd()
		case stages.RaftHandleReady: // after it, so that raft.waitReady is known
			a.addLoopBusy()
		case stages.WALSave:
			a.batch(a.r.save.Load())
		case stages.ReadWait:
			a.batch(a.r.round.Load())
		}
	}
}

// inferStartHandlerEnd marks the end of grpc.startHandler where handleStream, which comes
// next, was not seen to begin.
func (a *assembly) inferStartHandlerEnd() {
	if st := a.t.Find(stages.StartHandler); st != nil && !a.passed[stages.HandleStream] {
		st.EndEdge = stages.Inferred
	}
}

// inferReadRequestBegin marks the begin of http.readRequest where no request came of it: which
// byte was a request's first is not known, and all the time is counted that
// net/http waited for one.
func (a *assembly) inferReadRequestBegin() {
	if a.r.Has(MarkConnection) && a.passed[stages.HTTPReadRequest] {
		a.t.Find(stages.HTTPReadRequest).BeginEdge = stages.Inferred
	}
}

// addLoopBusy says how much of raft.waitReady the raft loop spent on the batch before:
// that is where group commit comes from, and most of the waiting under load.
func (a *assembly) addLoopBusy() {
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
		st.Span, st.Attributes = a.opened.StageSpan(s), a.opened.Attributes(s)
	}
}

// batch adds the two stages that a batch carries for all its requests.
func (a *assembly) batch(b *Batch) {
	if b == nil {
		return
	}
	complete := b.complete()
	for _, stage := range []stages.Stage{b.Kind, b.SecondStage()} {
		begin, end := b.Stamps(stage)
		st := a.add(stage, begin, end)
		if st == nil {
			continue
		}
		st.Scope, st.SharedBy = stages.ScopeBatch, b.Members()
		if stage == b.Kind {
			st.Attributes = b.Attributes()
		}
		if complete {
			st.Span = b.StageSpan(stage)
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

// firstStamped returns the first stage of a group that was stamped; None if none was.
func (a *assembly) firstStamped(first, last stages.Stage) stages.Stage {
	for s := first; s <= last; s++ {
		if begin, _ := a.r.Stamps(s); begin != 0 {
			return s
		}
	}
	return stages.None
}

// parent finds the stage that a stage lies in: the nearest one above it that the
// request has passed. A compaction, for one, does not pass raftRequest, and where
// net/http serves the connection a TLS handshake does not lie in handleRawConn.
func (a *assembly) parent(spec *stages.Spec) stages.Stage {
	return a.nearestPassed(a.groupMember(spec.Parent))
}

// nearestPassed returns the stage, or else the nearestPassed one above it that the request
// has passed.
func (a *assembly) nearestPassed(s stages.Stage) stages.Stage {
	for s != stages.None && !a.passed[s] && (stages.SpecOf(s).Scope == stages.ScopeRequest || stages.SpecOf(s).Scope == stages.ScopeConn) {
		s = a.groupMember(stages.SpecOf(s).Parent)
	}
	return s
}

// groupMember puts the stage that the request passed in the place of its group.
func (a *assembly) groupMember(parent stages.Stage) stages.Stage {
	switch {
	case parent == stages.GRPCHandler && a.handler != stages.None:
		return a.handler
	case parent == stages.TxnPut && a.change != stages.None:
		return a.change
	}
	return parent
}

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
	half := a.serverHalf(parts)
	for i, p := range parts {
		if i != half {
			a.addPart(p)
		}
	}
	if half >= 0 {
		server := parts[half].rec
		*a.t = *trace.Join(a.t, server.assemble(nil), trace.Alignment{Exact: true, ShiftNS: server.begin - a.r.begin})
	}
	trace.SortStages(a.t.Stages)
}

// serverHalf returns which of the parts is the server's half of a client's call:
// the last of them, where the call was tried again.
func (a *assembly) serverHalf(parts []embeddedPart) int {
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

// addPart puts one part's stages where they were.
func (a *assembly) addPart(p embeddedPart) {
	inner, shift := p.rec.assemble(nil), p.rec.begin-a.r.begin
	under := ""
	if s := a.nearestPassed(p.under); s != stages.None {
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

func (a *assembly) attributes() {
	r, set := a.r, a.set
	if r.keyTotal > 0 {
		if r.keyLen > 0 { // nothing of it is kept when it is redacted
			set(trace.AttrKey, r.keyText())
		}
		set(trace.AttrKeySize, strconv.Itoa(int(r.keyTotal)))
	}
	if r.facts.ValueSize > 0 {
		set(trace.AttrValueSize, strconv.Itoa(r.facts.ValueSize))
	}
	if r.facts.Lease != 0 {
		set(trace.AttrLease, fmt.Sprintf("%016x", uint64(r.facts.Lease)))
	}
	if r.facts.Revision > 0 {
		set(trace.AttrRevision, strconv.FormatInt(r.facts.Revision, 10))
	}
	if n := r.behind.Load(); n > 0 {
		set(trace.AttrBehind, strconv.Itoa(int(n)))
	}
	for _, m := range outcomes {
		if r.Has(m.mark) {
			set(trace.AttrOutcome, m.name)
			break
		}
	}
	if r.facts.Compression != "" {
		set(trace.AttrCompression, trace.ValidUTF8(r.facts.Compression))
	}
	if r.facts.HTTPStatus != 0 {
		set(trace.AttrHTTPStatus, strconv.Itoa(r.facts.HTTPStatus))
	}
	for _, m := range markAttributes {
		if r.Has(m.mark) {
			set(m.key, m.value)
		}
	}
	a.faults()
	if url := r.debugURL(); url != "" {
		set(trace.AttrDebugURL, url)
	}
}

// debugURL returns the page on which golang.org/x/net/trace shows the last calls
// of the request's service. grpc-go tells it of those that come to handleStream.
func (r *Record) debugURL() string {
	if entered, _ := r.Stamps(stages.HandleStream); entered == 0 || r.recorder.opts.DebugURL == "" {
		return ""
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(r.facts.Method, "/"), "/")
	page := url.Values{"fam": {"grpc.Recv." + trace.ValidUTF8(service)}, "b": {"0"}, "exp": {"1"}}
	return r.recorder.opts.DebugURL + "/debug/requests?" + page.Encode()
}

var markAttributes = []struct {
	mark       Mark
	key, value string
}{
	{MarkStreaming, trace.AttrStreaming, "true"},
	{MarkServeHTTP, trace.AttrServeHTTP, "true"},
	{MarkConnection, trace.AttrFailedConn, "true"},
	{MarkInProcess, trace.AttrInProcess, "true"},
	{MarkGoAway, trace.AttrGoAway, "true"},
	{MarkPanic, trace.AttrPanic, "true"},
	{MarkWorker, trace.AttrWorker, trace.WorkerTook},
	{MarkSpilled, trace.AttrWorker, trace.WorkerSpilled},
}

var outcomes = []struct {
	mark Mark
	name string
}{
	{MarkSwept, trace.OutcomeSwept},
	{MarkStopping, trace.OutcomeStopping},
	{MarkReset, trace.OutcomeReset},
	{MarkTimedOut, trace.OutcomeTimedOut},
	{MarkResetSent, trace.OutcomeResetSent},
	{MarkConnClosed, trace.OutcomeConnClosed},
}

func (r *Record) keyText() string {
	key := trace.ValidUTF8(string(r.key[:r.keyLen]))
	if int(r.keyTotal) > int(r.keyLen) {
		key += "…"
	}
	return key
}

// notReached says of the stages that one would expect and that are missing, why. A
// client cannot know that of the server's.
func notReached(r *Record, t *trace.Timeline) []trace.NotReached {
	switch {
	case r.Has(MarkClient):
		return nil
	case r.Has(MarkConnection):
		return []trace.NotReached{{Stage: stages.OperateHeaders.String(), Why: trace.WhyNoRequest}}
	case r.Has(MarkHTTP):
		return notReachedHTTP(t)
	}
	out := connNotReached(r, t)
	if !r.Has(MarkInProcess) {
		out = append(out, handlerNotReached(r, t)...)
	}
	return append(out, laterNotReached(r, t)...)
}

// notReachedHTTP is for a request that net/http served: its connection is none of
// grpc-go's.
func notReachedHTTP(t *trace.Timeline) (out []trace.NotReached) {
	if t.Connection.Reused {
		out = append(out, trace.NotReached{Stage: stages.NetAccept.String(), Why: trace.WhyReused}, trace.NotReached{Stage: stages.HTTPConn.String(), Why: trace.WhyReused})
	}
	return append(out, trace.NotReached{Stage: stages.HandleRawConn.String(), Why: trace.WhyHTTP}, trace.NotReached{Stage: stages.ServeStreams.String(), Why: trace.WhyHTTP})
}

func connNotReached(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	not := func(s stages.Stage, why string) { out = append(out, trace.NotReached{Stage: s.String(), Why: why}) }
	why := trace.WhyReused
	switch {
	case r.Has(MarkInProcess):
		why = trace.WhyInProcess
		not(stages.NetAccept, why)
	case r.Has(MarkServeHTTP):
		why = trace.WhyServeHTTP
		if t.Connection.Reused {
			not(stages.NetAccept, trace.WhyReused)
		}
	case t.Connection.Reused:
		not(stages.NetAccept, why)
	default:
		return nil
	}
	not(stages.HandleRawConn, why)
	not(stages.ServeStreams, why)
	return out
}

func handlerNotReached(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	not := func(s stages.Stage, why string) { out = append(out, trace.NotReached{Stage: s.String(), Why: why}) }
	switch entered := t.Find(stages.HandleStream) != nil; {
	case r.Has(MarkServeHTTP) && !entered:
		// Neither the tap nor operateHeaders is on its way.
		if !r.Has(MarkBegun) {
			not(stages.ProcessRPC, whyNoRPC(t.Method))
		}
	case !r.Has(MarkServeHTTP) && t.Find(stages.StartHandler) == nil:
		not(stages.HandleStream, trace.WhyBeforeTap)
	case r.Has(MarkBegun):
	case entered:
		not(stages.ProcessRPC, whyNoRPC(t.Method))
	case whyNoRPC(t.Method) == trace.WhyMalformed:
		// It answers such a request before it does anything that can be seen.
		not(stages.HandleStream, trace.WhyNotSeen)
		not(stages.ProcessRPC, trace.WhyMalformed)
	}
	return out
}

func whyNoRPC(method string) string {
	if len(method) == 0 || method[0] != '/' {
		return trace.WhyMalformed
	}
	for i := len(method) - 1; i > 0; i-- {
		if method[i] == '/' {
			return trace.WhyUnknown
		}
	}
	return trace.WhyMalformed
}

func laterNotReached(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	if begin, _ := r.Stamps(stages.V3Range); begin != 0 && t.Find(stages.ReadIndex) == nil {
		out = append(out, trace.NotReached{Stage: stages.ReadIndex.String(), Why: trace.WhySerializable})
	}
	if begin, _ := r.Stamps(stages.RaftRequest); begin != 0 && t.Find(stages.RaftPropose) == nil {
		out = append(out, trace.NotReached{Stage: stages.RaftPropose.String(), Why: trace.WhyRefused})
	}
	if begin, _ := r.Stamps(stages.Flush); begin == 0 && !r.Has(MarkInProcess) && !r.Has(MarkServeHTTP) {
		out = append(out, trace.NotReached{Stage: stages.Flush.String(), Why: trace.WhyNoReply})
	}
	return out
}
