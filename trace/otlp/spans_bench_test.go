package otlp

import (
	"context"
	"testing"

	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

type nowhere struct{ bytes int }

func (n *nowhere) Start(context.Context) error { return nil }
func (n *nowhere) Stop(context.Context) error  { return nil }
func (n *nowhere) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	b, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	n.bytes = len(b)
	return err
}

// What one warm Put costs to export, in the steps that it takes.
func BenchmarkExportOfOnePut(b *testing.B) {
	rc := record.NewRecorder(record.Options{})
	conn := rc.NewConn("127.0.0.1:50000", "127.0.0.1:2379")
	rc.Start(conn, 1, record.Now())
	r := recordtest.WarmPut(rc, conn, recordtest.SavedBatch(1))
	from, err := newProvenance(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	out, spans := &nowhere{}, newSpanner()

	b.Run("timeline", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Timeline()
		}
	})
	b.Run("spans", func(b *testing.B) {
		b.ReportAllocs()
		t := r.Timeline()
		for b.Loop() {
			spans.reset()
			spans.timeline(t)
		}
	})
	b.Run("otlp", func(b *testing.B) {
		b.ReportAllocs()
		sink := &otlpSink{client: out}
		for b.Loop() {
			if err := sink.exportDirect(b.Context(), &from, spans.spans); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(out.bytes), "bytes/request")
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		var line []byte
		for b.Loop() {
			line = appendRequestJSON(line[:0], &from, spans.spans)
		}
		b.ReportMetric(float64(len(line)), "bytes/request")
	})
	b.Run("sdk", func(b *testing.B) {
		b.ReportAllocs()
		sdk := otlptrace.NewUnstarted(out)
		for b.Loop() {
			if err := sdk.ExportSpans(b.Context(), from.stubs(spans.spans)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
