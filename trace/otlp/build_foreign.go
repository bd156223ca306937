package otlp

import (
	"time"

	"glasskv/trace"

	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
)

// foreign makes a timeline of another program's trace: the root and all below it
// become stages by their names.
func (b *builder) foreign(root int) *trace.Timeline {
	s := &b.spans[root]
	begin, end := b.extent(root)
	t := &trace.Timeline{
		TraceID: s.trace, SpanID: s.id, ParentID: s.parent, Method: s.name, Observer: trace.ObserverServer,
		Start: time.Unix(0, begin).UTC(), DurationNS: max(0, end-begin), Message: s.message,
	}
	if s.client {
		t.Observer = trace.ObserverClient
	}
	for _, a := range s.attrs {
		if a.key == string(semconv.RPCGRPCStatusCodeKey) {
			t.Code = codeNameOf(a.ValidUTF8)
		} else {
			setAttribute(t, a)
		}
	}
	w := b.weave(t)
	w.used, w.service = make(map[string]int), s.service
	first := w.add(root, "")
	first.Attributes = nil // they stand with the timeline
	w.descend(root, first.Stage)
	t.Problems = w.found.list()
	trace.FillLedger(t)
	return t
}

// extent returns a root's begin and end. Where it has none, those of its
// children stand in.
func (b *builder) extent(root int) (begin, end int64) {
	s := &b.spans[root]
	begin, end = s.begin, s.end
	for _, kid := range b.children(root) {
		k := &b.spans[kid]
		if s.begin == 0 && k.begin > 0 && (begin == 0 || k.begin < begin) {
			begin = k.begin
		}
		if s.end == 0 {
			end = max(end, k.begin, k.end)
		}
	}
	return begin, end
}
