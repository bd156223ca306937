package otlp

import (
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
	oteltrace "go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/codes"
)

// The keys of a stage's attributes. An attribute that is absent has its usual value:
// the stage is the request's own, and both its edges are exact.
const (
	attrScope     = "glasskv.scope"
	attrParent    = "glasskv.parent" // the name of the parent stage, if the parent is not a span of the same trace
	attrBeginEdge = "glasskv.begin_edge"
	attrEndEdge   = "glasskv.end_edge"
	attrSharedBy  = "glasskv.shared_by"
	attrPart      = "glasskv.part"
	attrCount     = "glasskv.count"
	attrNode      = "glasskv.node"
	attrOpen      = "glasskv.open"
	attrLink      = "glasskv.link" // on a link: the stage of the batch that it leads to, or linkConnection
)

const linkConnection = connectionName

// span is an OpenTelemetry span to be exported. It is not made by a Tracer, since a
// Tracer chooses IDs itself.
type span struct {
	name       string
	trace      trace.ID
	id, parent uint64
	remote     bool // the parent is in another process
	kind       oteltrace.SpanKind
	begin, end int64 // nanoseconds since 1970
	attrs      []attribute.KeyValue
	links      []spanLink
	status     otelcodes.Code
	message    string
}

type spanLink struct {
	to    trace.Link
	attrs []attribute.KeyValue
}

// spanner turns timelines, batches and connections into spans. Spans are valid until
// reset, which keeps their memory for the next ones.
type spanner struct {
	spans []span
	attrs []attribute.KeyValue // spans and links refer to parts of it
	links []spanLink

	parents []int // of the current timeline's stages, see trace.AppendParents
}

func newSpanner() *spanner { return new(spanner) }

func (s *spanner) reset() {
	clear(s.spans) // so that the texts can be freed
	clear(s.attrs)
	s.spans, s.attrs, s.links = s.spans[:0], s.attrs[:0], s.links[:0]
}

// timeline appends the request's root span and a span for each stage of its own. The
// root has links to the stages in the traces of batches and connections.
func (s *spanner) timeline(t *trace.Timeline) {
	id, _ := trace.ParseTraceID(t.TraceID)
	rootID, parent := trace.ParseSpanID(t.SpanID), trace.ParseSpanID(t.ParentID)
	if id == (trace.ID{}) || rootID == 0 { // the timeline does not come from a record
		id, rootID = trace.NewIDs()
	}
	start := t.Start.UnixNano()
	root := len(s.spans)
	name := rootName(t.Method)
	if t.Attributes[trace.AttrFailedConn] != "" {
		name = failedConnectionName
	}
	s.spans = append(s.spans, span{
		name: name, trace: id, id: rootID, parent: parent, remote: parent != 0,
		kind: oteltrace.SpanKindServer, begin: start, end: start + t.DurationNS,
	})
	if t.Observer == trace.ObserverClient {
		s.spans[root].kind = oteltrace.SpanKindClient
	}
	s.rootAttributes(&s.spans[root], t)

	s.parents = trace.AppendParents(s.parents[:0], t.Stages, t.Parts)
	for i := range t.Stages {
		if t.Stages[i].Span == (trace.Link{}) {
			s.stage(t, i, &s.spans[root])
		}
	}
	s.rootLinks(&s.spans[root], t)
}

// stage appends the span of one stage of the request's own. Its ID is derived from the
// root's, so that a record that is exported twice yields the same spans.
func (s *spanner) stage(t *trace.Timeline, i int, root *span) {
	st := &t.Stages[i]
	sp := span{
		name: trace.ValidUTF8(st.Stage), trace: root.trace, id: trace.ChildID(root.id, i), parent: root.id,
		kind: oteltrace.SpanKindInternal, begin: root.begin + st.BeginNS, end: root.begin + st.EndNS,
	}
	from := len(s.attrs)
	if st.Parent != "" {
		if p := s.parents[i]; p >= 0 && t.Stages[p].Span == (trace.Link{}) {
			sp.parent = trace.ChildID(root.id, p)
		} else {
			s.str(attrParent, st.Parent)
		}
	}
	s.stageAttributes(st)
	sp.attrs = s.since(from)
	s.spans = append(s.spans, sp)
}

func (s *spanner) stageAttributes(st *trace.StageTime) {
	if st.Scope != stages.ScopeRequest {
		s.str(attrScope, string(st.Scope))
	}
	if st.BeginEdge != stages.Exact {
		s.str(attrBeginEdge, string(st.BeginEdge))
	}
	if st.EndEdge != stages.Exact {
		s.str(attrEndEdge, string(st.EndEdge))
	}
	if st.Part != 0 {
		s.int(attrPart, int64(st.Part))
	}
	if st.SharedBy != 0 {
		s.int(attrSharedBy, int64(st.SharedBy))
	}
	if st.Count != 0 {
		s.int(attrCount, int64(st.Count))
	}
	if st.Node != "" {
		s.str(attrNode, st.Node)
	}
	if st.Open {
		s.attrs = append(s.attrs, attribute.Bool(attrOpen, true))
	}
	s.sorted(st.Attributes)
}

// sorted appends attributes in the order of their keys.
func (s *spanner) sorted(attrs map[string]string) {
	if len(attrs) == 0 {
		return
	}
	keys := make([]string, 0, len(attrs))
	for key := range attrs {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		s.str(key, attrs[key])
	}
}

func (s *spanner) str(key, value string) {
	s.attrs = append(s.attrs, attribute.String(key, trace.ValidUTF8(value)))
}

func (s *spanner) int(key string, value int64) {
	s.attrs = append(s.attrs, attribute.Int64(key, value))
}

// since returns the attributes that were appended after mark.
func (s *spanner) since(mark int) []attribute.KeyValue {
	if mark == len(s.attrs) {
		return nil
	}
	return s.attrs[mark:len(s.attrs):len(s.attrs)]
}

func rootName(method string) string {
	if method == "" || method == "/" {
		return "grpc" // as the conventions demand for an unknown method
	}
	if method[0] == '/' {
		method = method[1:]
	}
	return trace.ValidUTF8(method)
}

// The keys of the root span's attributes, beside those of the conventions and those
// in trace/keys.go.
const (
	attrObserver   = "glasskv.observer"
	attrMethod     = "glasskv.method" // only if the conventions' service and method cannot hold it
	attrCode       = "glasskv.code"   // only if it is not one of gRPC's codes
	attrMessage    = "glasskv.message"
	attrBytesIn    = "glasskv.bytes_in"
	attrBytesOut   = "glasskv.bytes_out"
	attrConnID     = "glasskv.connection.id"
	attrConnReused = "glasskv.connection.reused"
	attrConnPeer   = "glasskv.connection.peer"  // only if it is not an address and a port
	attrConnLocal  = "glasskv.connection.local" // likewise
	attrNotReached = "glasskv.not_reached"      // a list of "stage: why"
	attrProblems   = "glasskv.problems"
	attrParts      = "glasskv.parts" // a list in the order of their numbers, each as JSON
)

// The conventions are the last version in which the system is called rpc.system. Later
// versions renamed it, and programs that read traces have not followed yet.
const schemaURL = semconv.SchemaURL

var rpcSystem = semconv.RPCSystemGRPC

// rootAttributes sets attributes for everything that the stages' spans do not hold, so
// that readRootAttributes can restore the timeline.
func (s *spanner) rootAttributes(sp *span, t *trace.Timeline) {
	from := len(s.attrs)
	if isRPC(t) {
		s.attrs = append(s.attrs, rpcSystem)
	}
	s.str(attrObserver, string(t.Observer))
	if service, method, ok := splitMethod(t.Method); ok {
		s.str(string(semconv.RPCServiceKey), service)
		s.str(string(semconv.RPCMethodKey), method)
	} else {
		s.str(attrMethod, t.Method)
	}
	s.outcome(sp, t)
	s.connection(t)
	s.int(attrBytesIn, t.BytesIn)
	s.int(attrBytesOut, t.BytesOut)
	s.attrs = append(s.attrs, notReached(t.NotReached)...)
	if len(t.Problems) > 0 {
		problems := make([]string, len(t.Problems))
		for i, p := range t.Problems {
			problems[i] = trace.ValidUTF8(p)
		}
		s.attrs = append(s.attrs, attribute.StringSlice(attrProblems, problems))
	}
	if len(t.Parts) > 0 {
		parts := make([]string, len(t.Parts))
		for i := range t.Parts {
			parts[i] = partJSON(&t.Parts[i])
		}
		s.attrs = append(s.attrs, attribute.StringSlice(attrParts, parts))
	}
	s.request(t.Attributes)
	sp.attrs = s.since(from)
}

// isRPC reports whether t is a gRPC request, and not one over HTTP/1 or a connection
// that failed.
func isRPC(t *trace.Timeline) bool {
	return t.Attributes[trace.AttrHTTPStatus] == "" && t.Attributes[trace.AttrFailedConn] == ""
}

// splitMethod splits "/service/method". If the parts would not yield the same name
// again, ok is false.
func splitMethod(full string) (service, method string, ok bool) {
	if !strings.HasPrefix(full, "/") {
		return "", "", false
	}
	service, method, ok = strings.Cut(full[1:], "/")
	return service, method, ok && service != "" && method != "" && !strings.Contains(method, "/")
}

// outcome appends the request's code and message, and sets the span's status.
func (s *spanner) outcome(sp *span, t *trace.Timeline) {
	if t.Message != "" {
		s.str(attrMessage, t.Message)
	}
	if t.Code == "" {
		if t.Attributes[trace.AttrFailedConn] != "" {
			sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
		}
		return
	}
	code, ok := codeOf(t.Code)
	if !ok {
		s.str(attrCode, t.Code)
		if status := t.Attributes[trace.AttrHTTPStatus]; status >= "500" {
			sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
		}
		return
	}
	s.int(string(semconv.RPCGRPCStatusCodeKey), int64(code))
	if isError(code, t.Observer) {
		sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
	}
}

// isError follows the conventions: for a client every code except OK is an error, for
// a server only those that are the server's fault.
func isError(code codes.Code, observer trace.Observer) bool {
	if observer == trace.ObserverClient {
		return code != codes.OK
	}
	switch code {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

var codeByName = func() map[string]codes.Code {
	all := make(map[string]codes.Code, 17)
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		all[c.String()] = c
	}
	return all
}()

// codeOf is the reverse of codes.Code.String, "Code(99)" included.
func codeOf(name string) (codes.Code, bool) {
	if c, ok := codeByName[name]; ok {
		return c, true
	}
	var digits string
	if n := len(name); n > 6 && name[:5] == "Code(" && name[n-1] == ')' {
		digits = name[5 : n-1]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || codes.Code(n).String() != name {
		return 0, false
	}
	return codes.Code(n), true
}

func (s *spanner) connection(t *trace.Timeline) {
	c := &t.Connection
	if *c == (trace.Connection{}) {
		return
	}
	s.int(attrConnID, int64(c.ID))
	s.attrs = append(s.attrs, attribute.Bool(attrConnReused, c.Reused))
	if s.address(c.Peer, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey) {
		s.attrs = append(s.attrs, semconv.NetworkTransportTCP)
	} else {
		s.str(attrConnPeer, c.Peer)
	}
	if !s.address(c.Local, semconv.ServerAddressKey, semconv.ServerPortKey) {
		s.str(attrConnLocal, c.Local)
	}
}

// address appends "host:port" as two attributes, as the conventions demand. If the two
// would not yield the same text again, it appends nothing and returns false.
func (s *spanner) address(whole string, host, port attribute.Key) bool {
	if whole == "" {
		return true
	}
	h, p, err := net.SplitHostPort(whole)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || net.JoinHostPort(h, strconv.FormatUint(n, 10)) != whole {
		return false
	}
	s.attrs = append(s.attrs, host.String(trace.ValidUTF8(h)), port.Int64(int64(n)))
	return true
}

// request appends the timeline's own attributes. Those that are numbers are exported
// as numbers.
func (s *spanner) request(attrs map[string]string) {
	written := 0
	for _, key := range [...]string{trace.AttrKeySize, trace.AttrValueSize, trace.AttrRevision, trace.AttrBehind} {
		value, ok := attrs[key]
		if !ok {
			continue
		}
		written++
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
			s.int(key, n)
		} else {
			s.str(key, value)
		}
	}
	if key, ok := attrs[trace.AttrKey]; ok {
		written++
		s.str(trace.AttrKey, key)
	}
	if written == len(attrs) {
		return
	}
	rest := make(map[string]string, len(attrs))
	for key, value := range attrs {
		switch key {
		case trace.AttrKey, trace.AttrKeySize, trace.AttrValueSize, trace.AttrRevision, trace.AttrBehind:
		default:
			rest[key] = value
		}
	}
	s.sorted(rest)
}

// notReached returns the attribute for the stages that were not reached. Nearly every
// request either reached all or has those of a reused connection, so that the attribute
// for the latter is made once.
func notReached(list []trace.NotReached) []attribute.KeyValue {
	switch {
	case len(list) == 0:
		return nil
	case slices.Equal(list, reusedNotReached):
		return reusedAttribute
	}
	return notReachedAttribute(list)
}

var (
	reusedNotReached = []trace.NotReached{
		{Stage: stages.NetAccept.String(), Why: trace.WhyReused}, {Stage: stages.HandleRawConn.String(), Why: trace.WhyReused}, {Stage: stages.ServeStreams.String(), Why: trace.WhyReused},
	}
	reusedAttribute = notReachedAttribute(reusedNotReached)
)

func notReachedAttribute(list []trace.NotReached) []attribute.KeyValue {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = trace.ValidUTF8(n.Stage + ": " + n.Why)
	}
	return []attribute.KeyValue{attribute.StringSlice(attrNotReached, texts)}
}

// partJSON returns a part as an attribute of the root span holds it.
func partJSON(p *trace.Part) string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // cannot happen: it holds only texts and numbers
	}
	return string(b)
}

func readPart(written string) (p trace.Part, err error) {
	err = json.Unmarshal([]byte(written), &p)
	return p, err
}

// What requests share is exported once, in a trace of its own: the spans of a batch,
// or of a connection. It is exported with the first request that refers to it. Each
// request has links to what it shares, and a batch has links to its requests:
//
//	trace of request 1          trace of a batch
//	etcdserverpb.KV/Put <-----> wal.save
//	  grpc.handleStream           wal.sync
//	                      <--+
//	trace of request 2       |
//	etcdserverpb.KV/Put <----+

// The names of spans that are not stages.
const (
	connectionName       = "connection"        // a connection as a whole
	failedConnectionName = "failed connection" // the root of a connection that never carried a request
)

// rootLinks appends the root's links to the request's connection and to its batches.
// What the request alone knows about a batch's stage becomes an attribute of the link.
func (s *spanner) rootLinks(root *span, t *trace.Timeline) {
	first := len(s.links)
	if t.ConnSpan != (trace.Link{}) {
		s.links = append(s.links, spanLink{t.ConnSpan, connectionLink})
	}
	for i := range t.Stages {
		st := &t.Stages[i]
		if st.Span == (trace.Link{}) || st.Scope == stages.ScopeConn || s.insideShared(t, i) {
			continue
		}
		from := len(s.attrs)
		s.str(attrLink, st.Stage)
		s.int(attrSharedBy, int64(st.SharedBy))
		if st.Parent != "" {
			s.str(attrParent, st.Parent)
		}
		if st.Part != 0 {
			s.int(attrPart, int64(st.Part))
		}
		s.links = append(s.links, spanLink{st.Span, s.since(from)})
	}
	for i := range t.Parts {
		if conn := t.Parts[i].ConnSpan; conn != (trace.Link{}) {
			from := len(s.attrs)
			s.str(attrLink, linkConnection)
			s.int(attrPart, int64(i+1))
			s.links = append(s.links, spanLink{conn, s.since(from)})
		}
	}
	root.links = s.links[first:len(s.links):len(s.links)]
}

var connectionLink = []attribute.KeyValue{attribute.String(attrLink, linkConnection)}

// insideShared reports whether the stage's parent is a span of the same batch. If it
// is, the link to the parent is enough for both.
func (s *spanner) insideShared(t *trace.Timeline, i int) bool {
	above := s.parents[i]
	return above >= 0 && t.Stages[above].Span.Trace == t.Stages[i].Span.Trace
}

// batch appends the spans of a batch: its stages and the links to its requests.
func (s *spanner) batch(b *record.Batch) {
	outer, inner := b.Kind, b.SecondStage()
	root := s.shared(0, outer, b)
	if root == nil {
		return
	}
	first := len(s.links)
	for _, link := range b.Links() {
		s.links = append(s.links, spanLink{to: link})
	}
	root.links = s.links[first:len(s.links):len(s.links)]
	var parent uint64
	if stages.SpecOf(inner).Parent == outer {
		parent = root.id
	}
	s.shared(parent, inner, b)
}

// shared appends the span of one stage of a batch and returns it. If the stage was not
// stamped, shared returns nil. The pointer is valid until the next span is appended.
func (s *spanner) shared(parent uint64, stage stages.Stage, b *record.Batch) *span {
	begin, end := b.Stamps(stage)
	if begin == 0 || end == 0 {
		return nil
	}
	spec, from := stages.SpecOf(stage), len(s.attrs)
	st := trace.StageTime{
		Scope: stages.ScopeBatch, BeginEdge: spec.Begin.Edge, EndEdge: spec.End.Edge, SharedBy: b.Members(),
	}
	if stage == stages.WALSync && b.SyncInferred.Load() {
		st.BeginEdge, st.EndEdge = stages.Inferred, stages.Inferred
	}
	if stage == b.Kind {
		st.Attributes = b.Attributes()
	}
	s.stageAttributes(&st)
	return s.internal(b.StageSpan(stage), parent, spec.Name, begin, max(begin, end), from)
}

// internal appends a span of kind internal, with the attributes that were appended
// after mark. The pointer is valid until the next span is appended.
func (s *spanner) internal(at trace.Link, parent uint64, name string, begin, end int64, mark int) *span {
	s.spans = append(s.spans, span{
		name: name, trace: at.Trace, id: at.Span, parent: parent, kind: oteltrace.SpanKindInternal,
		begin: record.Wall(begin).UnixNano(), end: record.Wall(end).UnixNano(), attrs: s.since(mark),
	})
	return &s.spans[len(s.spans)-1]
}

// conn appends the span of a connection and those of its stages. A stage that has not
// ended is open and gets now as its end.
func (s *spanner) conn(c *record.Conn, now int64) {
	begin, from := now, len(s.attrs)
	for stage := stages.FirstConn; stage <= stages.LastConn; stage++ {
		if b, _ := c.Stamps(stage); b != 0 {
			begin = min(begin, b)
		}
	}
	s.str(attrScope, string(stages.ScopeConn))
	s.int(attrConnID, int64(c.ID))
	if !s.address(c.Peer, "network.peer.address", "network.peer.port") {
		s.str(attrConnPeer, c.Peer)
	}
	s.internal(c.Span(), 0, connectionName, begin, now, from)
	for stage := stages.FirstConn; stage <= stages.LastConn; stage++ {
		s.connStage(c, stage, now)
	}
}

func (s *spanner) connStage(c *record.Conn, stage stages.Stage, now int64) {
	begin, end := c.Stamps(stage)
	if begin == 0 {
		return
	}
	spec, from := stages.SpecOf(stage), len(s.attrs)
	st := trace.StageTime{Scope: stages.ScopeConn, BeginEdge: spec.Begin.Edge, EndEdge: spec.End.Edge, Attributes: c.Attributes(stage)}
	if end == 0 {
		st.Open, end = true, now
		if !stages.LastsAsConn(stage) {
			st.EndEdge = stages.Inferred
		}
	}
	parent := c.Span().Span
	if outer := c.Parent(stage); outer != stages.None {
		parent = c.StageSpan(outer).Span
	}
	s.stageAttributes(&st)
	s.internal(c.StageSpan(stage), parent, spec.Name, begin, max(begin, end), from)
}
