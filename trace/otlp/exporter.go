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

// SpanSink is what spans are given to: any exporter of the OpenTelemetry SDK.
type SpanSink = sdktrace.SpanExporter

// Exporter is an Outlet that makes OpenTelemetry spans and gives them to a
// SpanSink. It is not safe for concurrent use.
type Exporter struct {
	sink    SpanSink
	direct  direct // the sink, if it is one of ours
	from    provenance
	spanner *spanner
}

// direct is a sink that takes our spans as they are, without the detour over the
// SDK's. The spans are only lent: they change after the call.
type direct interface {
	exportDirect(ctx context.Context, from *provenance, spans []span) error
}

// NewExporter returns an Exporter that writes to sink and shuts it down with
// itself. It reads the resource attributes from the OTEL_ variables. When one of
// them is malformed the Exporter works without it, and the error says which.
func NewExporter(sink SpanSink) (*Exporter, error) {
	e := &Exporter{sink: sink, spanner: newSpanner()}
	e.direct, _ = sink.(direct)
	var err error
	e.from, err = newProvenance(context.Background())
	return e, err
}

// Timeline adds a request's root span and a span for each stage of its own.
func (e *Exporter) Timeline(t *trace.Timeline) { e.spanner.timeline(t) }

// Conn adds the span of a connection and those of its stages.
func (e *Exporter) Conn(c *record.Conn, now int64) { e.spanner.conn(c, now) }

// Batch adds the spans of a batch, with links to its requests.
func (e *Exporter) Batch(b *record.Batch) { e.spanner.batch(b) }

// Waiting returns how many spans wait for Flush.
func (e *Exporter) Waiting() int { return len(e.spanner.spans) }

// Flush gives the waiting spans to the sink and waits for it.
func (e *Exporter) Flush(ctx context.Context) error {
	if e.direct == nil {
		stubs := e.from.stubs(e.spanner.spans)
		e.spanner = newSpanner() // the sink may keep what it was given
		return e.sink.ExportSpans(ctx, stubs)
	}
	defer e.spanner.reset()
	return e.direct.exportDirect(ctx, &e.from, e.spanner.spans)
}

// Shutdown shuts the sink down.
func (e *Exporter) Shutdown(ctx context.Context) error { return e.sink.Shutdown(ctx) }

// ServiceName is the service that spans say they are from, unless
// OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise.
const ServiceName = "glasskv"

// provenance is what all spans of this process have in common.
type provenance struct {
	resource *resource.Resource
	encoded  []byte // the resource's attributes, in protobuf
	scope    instrumentation.Scope
}

func newProvenance(ctx context.Context) (provenance, error) {
	p := provenance{scope: instrumentation.Scope{Name: ServiceName, Version: version(), SchemaURL: schemaURL}}
	res, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName(ServiceName)),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(), // the last word
	)
	if res == nil {
		res = resource.NewSchemaless(semconv.ServiceName(ServiceName))
	}
	p.resource, p.encoded = res, inProtobuf.attributes(nil, 1, "", res.Attributes())
	if err != nil {
		return p, fmt.Errorf("resource attributes: %w", err)
	}
	return p, nil
}

// version is that of the main module, when the binary was built as a release.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// stubs makes spans into the SDK's own kind, for exporters that take no other.
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

// spanOf takes one of the SDK's spans over, without its events.
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
