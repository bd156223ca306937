package otlp

import (
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.opentelemetry.io/otel/attribute"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// What requests share stands in a trace of its own, once: the spans of a batch,
// or of a connection. Each request links to it, and it links to the requests it
// served. It goes out with the first exported request that refers to it.

// connectionName is the span that stands for a connection as a whole. It is no
// stage.
const connectionName = "connection"

// failedConnectionName is the root of a connection that never carried a request.
const failedConnectionName = "failed connection"

// rootLinks leads from a request to its connection and to the batches that it
// had a part in. What only the request knows of the batch's stage stands on the
// link.
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

// insideShared reports whether the stage's parent is a span of the same batch:
// the link to the parent leads to both then.
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

// shared appends one stage of a batch, if it was stamped. The span is valid
// until the next one is appended.
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
	return s.inner(b.StageSpan(stage), parent, spec.Name, begin, max(begin, end), from)
}

// inner appends a span of GlassKV's own inside, with the attributes appended
// since the mark.
func (s *spanner) inner(at trace.Link, parent uint64, name string, begin, end int64, mark int) *span {
	s.spans = append(s.spans, span{
		name: name, trace: at.Trace, id: at.Span, parent: parent, kind: oteltrace.SpanKindInternal,
		begin: record.Wall(begin).UnixNano(), end: record.Wall(end).UnixNano(), attrs: s.since(mark),
	})
	return &s.spans[len(s.spans)-1]
}

// conn appends the span of a connection and those of its stages. A stage that
// has not ended is open, and ends at the given stamp.
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
	s.inner(c.Span(), 0, connectionName, begin, now, from)
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
	s.inner(c.StageSpan(stage), parent, spec.Name, begin, max(begin, end), from)
}
