package otlp

import (
	"context"
	"math"
	"testing"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/tracetest"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	oteltrace "go.opentelemetry.io/otel/trace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// capture is an OTLP client that keeps what it would send, as it would send it.
type capture struct{ sent []*tracepb.ResourceSpans }

func (c *capture) Start(context.Context) error { return nil }
func (c *capture) Stop(context.Context) error  { return nil }
func (c *capture) UploadTraces(_ context.Context, spans []*tracepb.ResourceSpans) error {
	data, err := proto.Marshal(&coltracepb.ExportTraceServiceRequest{ResourceSpans: spans})
	if err != nil {
		return err
	}
	var got coltracepb.ExportTraceServiceRequest
	err = proto.Unmarshal(data, &got)
	c.sent = got.ResourceSpans
	return err
}

func TestOurOTLPIsTheSDKs(t *testing.T) {
	from, err := newProvenance(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	w := recordtest.NewWorld(rc, tracetest.Rand(5))
	s := newSpanner()
	for range 30 {
		s.timeline(w.Request().Timeline())
	}
	for _, b := range append(w.Saves, w.Reads...) {
		s.batch(b)
	}
	for _, c := range w.Conns {
		s.conn(c, record.Now())
	}
	ours, sdks := &capture{}, &capture{}
	if err := (&otlpSink{client: ours}).exportDirect(context.Background(), &from, s.spans); err != nil {
		t.Fatal(err)
	}
	if err := otlptrace.NewUnstarted(sdks).ExportSpans(context.Background(), from.stubs(s.spans)); err != nil {
		t.Fatal(err)
	}
	ourSpans, sdkSpans := ours.sent[0].ScopeSpans[0].Spans, sdks.sent[0].ScopeSpans[0].Spans
	if len(ourSpans) != len(s.spans) || len(ourSpans) != len(sdkSpans) {
		t.Fatalf("%d spans of ours, %d of the SDK's, of %d", len(ourSpans), len(sdkSpans), len(s.spans))
	}
	for i := range ourSpans {
		if sdkSpans[i].Status.Code == tracepb.Status_STATUS_CODE_UNSET {
			sdkSpans[i].Status = nil // it writes an empty one
		}
		if !proto.Equal(ourSpans[i], sdkSpans[i]) {
			t.Fatalf("ours %v\nSDK's %v", ourSpans[i], sdkSpans[i])
		}
	}
	ours.sent[0].ScopeSpans[0].Spans, sdks.sent[0].ScopeSpans[0].Spans = nil, nil
	if !proto.Equal(ours.sent[0], sdks.sent[0]) {
		t.Fatalf("ours %v\nSDK's %v", ours.sent[0], sdks.sent[0])
	}
}

// A span with every type of value, and with all that may be empty.
func TestEmptyAndRareValuesInBothEncodings(t *testing.T) {
	from, err := newProvenance(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	spans := []span{{
		kind: oteltrace.SpanKindInternal, status: otelcodes.Error, trace: trace.ID{Lo: 1}, id: 2, begin: -1, end: 3,
		attrs: []attribute.KeyValue{
			attribute.String("empty", ""), attribute.String("text", "\u4eba\n"), attribute.Bool("no", false), attribute.Int64("n", -5),
			attribute.Float64("f", -0.25), attribute.Float64("inf", math.Inf(-1)), attribute.StringSlice("none", nil), attribute.StringSlice("list", []string{"", "x"}),
		},
		links: []spanLink{{to: trace.Link{Trace: trace.ID{Hi: 1}, Span: 3}}},
	}}
	ours, sdks := &capture{}, &capture{}
	if err := (&otlpSink{client: ours}).exportDirect(context.Background(), &from, spans); err != nil {
		t.Fatal(err)
	}
	if err := otlptrace.NewUnstarted(sdks).ExportSpans(context.Background(), from.stubs(spans)); err != nil {
		t.Fatal(err)
	}
	got, want := ours.sent[0].ScopeSpans[0].Spans[0], sdks.sent[0].ScopeSpans[0].Spans[0]
	if !proto.Equal(got, want) {
		t.Errorf("ours %v\nSDK's %v", got, want)
	}
	const inText = `,"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002","flags":257,"name":"","kind":1,` +
		`"startTimeUnixNano":"0","endTimeUnixNano":"3","attributes":[` +
		`{"key":"empty","value":{"stringValue":""}},{"key":"text","value":{"stringValue":"人\n"}},{"key":"no","value":{"boolValue":false}},` +
		`{"key":"n","value":{"intValue":"-5"}},{"key":"f","value":{"doubleValue":-0.25}},{"key":"inf","value":{"doubleValue":"-Infinity"}},` +
		`{"key":"none","value":{"arrayValue":{"values":[]}}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":""},{"stringValue":"x"}]}}}],` +
		`"links":[{"traceId":"00000000000000010000000000000000","spanId":"0000000000000003","flags":257}],"status":{"message":"","code":2}}]`
	if got := string(inJSON.spans(nil, spans)); got != inText {
		t.Errorf("in JSON %s\nwant %s", got, inText)
	}
}

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
