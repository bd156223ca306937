package otlp

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"time"

	"glasskv/trace"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

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
