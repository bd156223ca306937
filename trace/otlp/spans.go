package otlp

import (
	"slices"

	"glasskv/trace"
	"glasskv/trace/stages"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// The keys of attributes that say how a span is drawn as a stage. What is left
// out has a usual value: a request's own stage, with two exact edges.
const (
	attrScope     = "glasskv.scope"
	attrParent    = "glasskv.parent" // the parent stage, where it is no span of the same trace
	attrBeginEdge = "glasskv.begin_edge"
	attrEndEdge   = "glasskv.end_edge"
	attrSharedBy  = "glasskv.shared_by"
	attrPart      = "glasskv.part"
	attrCount     = "glasskv.count"
	attrNode      = "glasskv.node"
	attrOpen      = "glasskv.open"
	attrLink      = "glasskv.link" // on a link: the batch's stage that it leads to, or linkConnection
)

const linkConnection = connectionName

// span is an OpenTelemetry span on its way out: its IDs and times are known
// before it exists, which no Tracer allows for.
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

// spanner turns timelines into spans. It keeps what it allocated from one
// export to the next; spans are valid until reset.
type spanner struct {
	spans []span
	attrs []attribute.KeyValue // the spans' and links' attributes are parts of it
	links []spanLink

	parents []int // of the stages of the timeline at hand
}

func newSpanner() *spanner { return new(spanner) }

func (s *spanner) reset() {
	clear(s.spans) // let go of the texts
	clear(s.attrs)
	s.spans, s.attrs, s.links = s.spans[:0], s.attrs[:0], s.links[:0]
}

// timeline appends the request's root span and a span for each stage of its
// own. Stages that live in the trace of a batch or a connection are linked to.
func (s *spanner) timeline(t *trace.Timeline) {
	id, _ := trace.ParseTraceID(t.TraceID)
	rootID, parent := trace.ParseSpanID(t.SpanID), trace.ParseSpanID(t.ParentID)
	if id == (trace.ID{}) || rootID == 0 { // a timeline that was never a record
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

// stage appends one stage of the request's own. Its ID follows from the root's,
// so that the same record exported twice gives the same spans.
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
	s.more(st.Attributes)
}

// more appends attributes in the order of their keys.
func (s *spanner) more(attrs map[string]string) {
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

// since returns what was appended to the attributes after the mark.
func (s *spanner) since(mark int) []attribute.KeyValue {
	if mark == len(s.attrs) {
		return nil
	}
	return s.attrs[mark:len(s.attrs):len(s.attrs)]
}

func rootName(method string) string {
	if method == "" || method == "/" {
		return "grpc" // what the conventions ask for when the method is not known
	}
	if method[0] == '/' {
		method = method[1:]
	}
	return trace.ValidUTF8(method)
}
