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

// Timeline returns the record as a timeline, with its ledger. It may be called at any time
// by any goroutine: stages that have begun and not ended are marked open. It takes some
// microseconds, so it is not called while the client waits.
func (r *Record) Timeline() *trace.Timeline {
	t := r.assemble(make([]trace.StageTime, 0, 32))
	trace.FillLedger(t)
	return t
}

// assemble returns the timeline without its ledger. It empties the given slice and
// appends the stages to it.
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

// assembly is a timeline in the making. Stages are added in the order of the path, parents
// before their children.
type assembly struct {
	r   *Record
	t   *trace.Timeline
	end int64 // the stamp that ends the request

	opened          *Conn        // the connection, if the request opened it
	handler, change stages.Stage // the stages of the request's handler and of its change; None if it passed none

	passed [stages.NumStages]bool // the stages that were added
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
		case stages.RaftHandleReady: // raft.waitReady is complete, and addLoopBusy adds to its row
			a.addLoopBusy()
		case stages.WALSave:
			a.batch(a.r.save.Load())
		case stages.ReadWait:
			a.batch(a.r.round.Load())
		}
	}
}

// inferStartHandlerEnd marks the end of grpc.startHandler as inferred if handleStream, the
// next stage, was not stamped.
func (a *assembly) inferStartHandlerEnd() {
	if st := a.t.Find(stages.StartHandler); st != nil && !a.passed[stages.HandleStream] {
		st.EndEdge = stages.Inferred
	}
}

// inferReadRequestBegin marks the beginning of http.readRequest as inferred if the
// connection never carried a request: without a first byte, the stage is all the time
// that net/http waited for one.
func (a *assembly) inferReadRequestBegin() {
	if a.r.Has(MarkConnection) && a.passed[stages.HTTPReadRequest] {
		a.t.Find(stages.HTTPReadRequest).BeginEdge = stages.Inferred
	}
}

// addLoopBusy adds to the row of raft.waitReady how much of that time the raft loop spent
// on the Ready before this request's. Under load that is most of the wait, and the reason
// why several requests share one fsync.
func (a *assembly) addLoopBusy() {
	b, st := a.r.save.Load(), a.t.Find(stages.RaftWaitReady)
	if b == nil || st == nil {
		return
	}
	begin, end := b.before.begin.Load()-a.r.begin, b.before.end.Load()-a.r.begin // since the request began, as in a row
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

// batch adds the two stages of a batch, as far as they were stamped.
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

// add appends a stage and returns its row, which is valid until the next one is appended.
// If begin is zero, the stage was not passed: add returns nil. A stage without an end is
// open. A stage whose end is before its beginning, because two goroutines stamped it at once,
// is shown as empty, at its end.
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

// statusLine returns an HTTP status with its text, such as "200 OK".
func statusLine(status int) string {
	if words := http.StatusText(status); words != "" {
		return strconv.Itoa(status) + " " + words
	}
	return strconv.Itoa(status)
}

// firstStamped returns the first stage from first to last that was stamped, or None.
func (a *assembly) firstStamped(first, last stages.Stage) stages.Stage {
	for s := first; s <= last; s++ {
		if begin, _ := a.r.Stamps(s); begin != 0 {
			return s
		}
	}
	return stages.None
}

// parent returns the stage that contains a stage: the nearest one above it in the
// catalogue that the request has passed. It need not be the next one above: a compaction
// does not pass raftRequest, and when net/http serves a connection, its TLS handshake is
// not in handleRawConn.
func (a *assembly) parent(spec *stages.Spec) stages.Stage {
	return a.nearestPassed(a.groupMember(spec.Parent))
}

// nearestPassed returns s if the request has passed it, or else the nearest stage above it
// that the request has passed. A stage whose scope is neither the request nor the connection
// counts as passed.
func (a *assembly) nearestPassed(s stages.Stage) stages.Stage {
	for s != stages.None && !a.passed[s] && (stages.SpecOf(s).Scope == stages.ScopeRequest || stages.SpecOf(s).Scope == stages.ScopeConn) {
		s = a.groupMember(stages.SpecOf(s).Parent)
	}
	return s
}

// groupMember returns the given parent, with two exceptions. In the catalogue,
// GRPCHandler is the parent of the stages in every handler, and TxnPut of those in every
// change. For these two it returns the handler or the change that the request passed.
func (a *assembly) groupMember(parent stages.Stage) stages.Stage {
	switch {
	case parent == stages.GRPCHandler && a.handler != stages.None:
		return a.handler
	case parent == stages.TxnPut && a.change != stages.None:
		return a.change
	}
	return parent
}

// embed adds the parts of the record. If the record is a client's and a part is the
// server's record of the same call, the two are joined into one request.
func (a *assembly) embed() {
	parts, notShown := a.r.parts()
	if notShown > 0 {
		a.set(trace.AttrNotShown, strconv.Itoa(notShown))
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

// serverHalf returns the index of the part that is the server's record of a client's call,
// or -1. If the call was retried, it is the last one.
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

// addPart adds a part and its stages, at the times at which they were.
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
		if key := r.Key(); key != "" {
			set(trace.AttrKey, key)
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
	for _, o := range outcomes {
		if r.Has(o.mark) {
			set(trace.AttrOutcome, o.name)
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

// debugURL returns the address of the page of golang.org/x/net/trace with the last calls
// of the request's service, or "" if there is none. grpc-go traces the calls that get to
// handleStream.
func (r *Record) debugURL() string {
	if entered, _ := r.Stamps(stages.HandleStream); entered == 0 || r.recorder.opts.DebugURL == "" {
		return ""
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(r.facts.Method, "/"), "/")
	page := url.Values{"fam": {"grpc.Recv." + trace.ValidUTF8(service)}, "b": {"0"}, "exp": {"1"}}
	return r.recorder.opts.DebugURL + "/debug/requests?" + page.Encode()
}

// markAttributes are the attributes that marks set.
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

// outcomes are the values of the attribute trace.AttrOutcome. The first whose mark is set
// counts.
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

// notReached returns the stages that the reader of a timeline expects and that were not
// stamped, each with the reason. For a client's record it returns none, because a client
// does not know what its server did.
func notReached(r *Record, t *trace.Timeline) []trace.NotReached {
	m := missing{r: r, t: t}
	switch {
	case r.Has(MarkClient):
	case r.Has(MarkConnection):
		m.add(stages.OperateHeaders, trace.WhyNoRequest)
	case r.Has(MarkHTTP):
		m.http()
	default:
		m.connection()
		if !r.Has(MarkInProcess) {
			m.handler()
		}
		m.rest()
	}
	return m.stages
}

// missing collects the stages that a request did not reach.
type missing struct {
	r      *Record
	t      *trace.Timeline
	stages []trace.NotReached
}

func (m *missing) add(s stages.Stage, why string) {
	m.stages = append(m.stages, trace.NotReached{Stage: s.String(), Why: why})
}

// http adds what a request over HTTP/1 does not reach: grpc-go never sees its connection.
func (m *missing) http() {
	if m.t.Connection.Reused {
		m.add(stages.NetAccept, trace.WhyReused)
		m.add(stages.HTTPConn, trace.WhyReused)
	}
	m.add(stages.HandleRawConn, trace.WhyHTTP)
	m.add(stages.ServeStreams, trace.WhyHTTP)
}

func (m *missing) connection() {
	why := trace.WhyReused
	switch {
	case m.r.Has(MarkInProcess):
		why = trace.WhyInProcess
		m.add(stages.NetAccept, why)
	case m.r.Has(MarkServeHTTP):
		why = trace.WhyServeHTTP
		if m.t.Connection.Reused {
			m.add(stages.NetAccept, trace.WhyReused)
		}
	case m.t.Connection.Reused:
		m.add(stages.NetAccept, why)
	default:
		return
	}
	m.add(stages.HandleRawConn, why)
	m.add(stages.ServeStreams, why)
}

func (m *missing) handler() {
	switch entered := m.t.Find(stages.HandleStream) != nil; {
	case m.r.Has(MarkServeHTTP) && !entered:
		// Such a request passes neither operateHeaders nor the tap.
		if !m.r.Has(MarkBegun) {
			m.add(stages.ProcessRPC, whyNoRPC(m.t.Method))
		}
	case !m.r.Has(MarkServeHTTP) && m.t.Find(stages.StartHandler) == nil:
		m.add(stages.HandleStream, trace.WhyBeforeTap)
	case m.r.Has(MarkBegun):
	case entered:
		m.add(stages.ProcessRPC, whyNoRPC(m.t.Method))
	case whyNoRPC(m.t.Method) == trace.WhyMalformed:
		// handleStream refuses such a request before it calls anything that stamps.
		m.add(stages.HandleStream, trace.WhyNotSeen)
		m.add(stages.ProcessRPC, trace.WhyMalformed)
	}
}

// whyNoRPC returns the reason why grpc-go found no handler for a method. A name with less
// than two slashes is malformed.
func whyNoRPC(method string) string {
	if strings.HasPrefix(method, "/") && strings.Count(method, "/") > 1 {
		return trace.WhyUnknown
	}
	return trace.WhyMalformed
}

// rest adds the stages that were not reached after the handler began.
func (m *missing) rest() {
	if begin, _ := m.r.Stamps(stages.V3Range); begin != 0 && m.t.Find(stages.ReadIndex) == nil {
		m.add(stages.ReadIndex, trace.WhySerializable)
	}
	if begin, _ := m.r.Stamps(stages.RaftRequest); begin != 0 && m.t.Find(stages.RaftPropose) == nil {
		m.add(stages.RaftPropose, trace.WhyRefused)
	}
	if begin, _ := m.r.Stamps(stages.Flush); begin == 0 && !m.r.Has(MarkInProcess) && !m.r.Has(MarkServeHTTP) {
		m.add(stages.Flush, trace.WhyNoReply)
	}
}
