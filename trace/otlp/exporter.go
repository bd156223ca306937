package otlp

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"time"

	"glasskv/trace"
	"glasskv/trace/record"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// SpanSink receives spans. Every exporter of the OpenTelemetry SDK is one.
type SpanSink = sdktrace.SpanExporter

// Exporter is a record.Outlet that turns what it is given into OpenTelemetry spans
// and sends them to a SpanSink. It is not safe for concurrent use.
type Exporter struct {
	sink    SpanSink
	direct  direct // the sink, or nil if it only takes the SDK's spans
	from    provenance
	spanner *spanner
}

// direct is a sink that takes our spans as they are, without a detour by way of the
// SDK's. It must not keep the spans: their memory is used again after the call.
type direct interface {
	exportDirect(ctx context.Context, from *provenance, spans []span) error
}

// NewExporter returns an Exporter that sends spans to sink. The Exporter's Shutdown
// shuts the sink down. The spans' resource is GlassKV, as OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES amend it. If one of these variables is malformed, an error
// that names it is returned beside an Exporter that works without it.
func NewExporter(sink SpanSink) (*Exporter, error) {
	e := &Exporter{sink: sink, spanner: newSpanner()}
	e.direct, _ = sink.(direct)
	var err error
	e.from, err = newProvenance(context.Background())
	return e, err
}

// Timeline adds the root span of a request and a span for each stage that the request
// does not share.
func (e *Exporter) Timeline(t *trace.Timeline) { e.spanner.timeline(t) }

// Conn adds the span of a connection and those of its stages. The stamp now is the end
// of the stages that have not ended.
func (e *Exporter) Conn(c *record.Conn, now int64) { e.spanner.conn(c, now) }

// Batch adds the spans of a complete batch, with links to its requests.
func (e *Exporter) Batch(b *record.Batch) { e.spanner.batch(b) }

// Waiting returns how many spans were added since the last Flush.
func (e *Exporter) Waiting() int { return len(e.spanner.spans) }

// Flush sends the sink the spans that were added since the last Flush, and forgets them
// even if the sink fails. It returns the sink's error.
func (e *Exporter) Flush(ctx context.Context) error {
	if e.direct == nil {
		stubs := e.from.stubs(e.spanner.spans)
		e.spanner = newSpanner() // the sink may keep the spans
		return e.sink.ExportSpans(ctx, stubs)
	}
	defer e.spanner.reset()
	return e.direct.exportDirect(ctx, &e.from, e.spanner.spans)
}

// Shutdown shuts the sink down and returns its error. Spans that were not flushed are
// lost.
func (e *Exporter) Shutdown(ctx context.Context) error { return e.sink.Shutdown(ctx) }

// serviceName is the service that spans come from, unless OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES name another.
const serviceName = "glasskv"

// provenance is where spans come from: what all spans of this process have in common.
type provenance struct {
	resource *resource.Resource
	encoded  []byte // the resource's attributes, in protobuf
	scope    instrumentation.Scope
}

func newProvenance(ctx context.Context) (provenance, error) {
	p := provenance{scope: instrumentation.Scope{Name: serviceName, Version: version(), SchemaURL: schemaURL}}
	res, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(serviceName)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // last, so that it overrides the others
	)
	if res == nil {
		res = resource.NewSchemaless(semconv.ServiceName(serviceName))
	}
	p.resource, p.encoded = res, inProtobuf.attributes(nil, 1, res.Attributes())
	if err != nil {
		return p, fmt.Errorf("resource attributes: %w", err)
	}
	return p, nil
}

// version returns the main module's version, as the go command stamped it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// stubs converts spans to the SDK's, for sinks that take no others.
func (p *provenance) stubs(spans []span) []sdktrace.ReadOnlySpan {
	out := make([]sdktrace.ReadOnlySpan, 0, len(spans))
	for i := range spans {
		out = append(out, p.stub(&spans[i]).Snapshot())
	}
	return out
}

func (p *provenance) stub(s *span) tracetest.SpanStub {
	stub := tracetest.SpanStub{
		Name: s.name, SpanKind: s.kind,
		SpanContext: spanContext(s.trace, s.id, false),
		StartTime:   time.Unix(0, s.begin), EndTime: time.Unix(0, s.end),
		Attributes: s.attrs, Status: sdktrace.Status{Code: s.status, Description: s.message},
		Resource: p.resource, InstrumentationScope: p.scope,
	}
	if s.parent != 0 {
		stub.Parent = spanContext(s.trace, s.parent, s.remote)
	}
	for _, link := range s.links {
		stub.Links = append(stub.Links, sdktrace.Link{
			SpanContext: spanContext(link.to.Trace, link.to.Span, false), Attributes: link.attrs,
		})
	}
	return stub
}

func spanContext(of trace.ID, span uint64, remote bool) oteltrace.SpanContext {
	return oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
		TraceID: of.Bytes(), SpanID: trace.SpanIDBytes(span), TraceFlags: oteltrace.FlagsSampled, Remote: remote,
	})
}

// spanOf converts one of the SDK's spans, without its events.
func spanOf(ro sdktrace.ReadOnlySpan) span {
	at, parent := ro.SpanContext(), ro.Parent()
	s := span{
		name: trace.ValidUTF8(ro.Name()), kind: ro.SpanKind(), begin: ro.StartTime().UnixNano(), end: ro.EndTime().UnixNano(),
		trace: idsOf(at.TraceID()), id: spanIDOf(at.SpanID()), parent: spanIDOf(parent.SpanID()), remote: parent.IsRemote(),
		attrs: ro.Attributes(), status: ro.Status().Code, message: trace.ValidUTF8(ro.Status().Description),
	}
	for _, link := range ro.Links() {
		to := trace.Link{Trace: idsOf(link.SpanContext.TraceID()), Span: spanIDOf(link.SpanContext.SpanID())}
		s.links = append(s.links, spanLink{to, link.Attributes})
	}
	return s
}

func idsOf(id oteltrace.TraceID) trace.ID {
	return trace.ID{Hi: binary.BigEndian.Uint64(id[:8]), Lo: binary.BigEndian.Uint64(id[8:])}
}

func spanIDOf(id oteltrace.SpanID) uint64 { return binary.BigEndian.Uint64(id[:]) }
