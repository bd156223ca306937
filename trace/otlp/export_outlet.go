package otlp

import (
	"context"

	"glasskv/trace"
	"glasskv/trace/record"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
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
