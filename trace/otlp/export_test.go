package otlp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/tracetest"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
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

// collector is an OTLP collector that counts.
type collector struct {
	coltracepb.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []*tracepb.Span
	from  []*commonpb.KeyValue
}

func (r *collector) Export(_ context.Context, req *coltracepb.ExportTraceServiceRequest) (*coltracepb.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range req.ResourceSpans {
		r.from = rs.Resource.Attributes
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
	return &coltracepb.ExportTraceServiceResponse{}, nil
}

func (r *collector) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m coltracepb.ExportTraceServiceRequest
	if err = errors.Join(err, proto.Unmarshal(body, &m)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = r.Export(req.Context(), &m)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func TestOTLPReachesAReceiver(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf", ""} {
		t.Run(protocol, func(t *testing.T) {
			r := &collector{}
			var url string
			if protocol == "grpc" {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				srv := grpc.NewServer()
				coltracepb.RegisterTraceServiceServer(srv, r)
				served := make(chan error, 1)
				go func() { served <- srv.Serve(l) }()
				defer func() {
					srv.Stop()
					if err := <-served; err != nil {
						t.Errorf("serve: %v", err)
					}
				}()
				url = "http://" + l.Addr().String()
			} else {
				srv := httptest.NewServer(r)
				defer srv.Close()
				url = srv.URL
			}
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
			sink, err := NewSink(context.Background(), SinkOptions{Kind: ExporterOTLP})
			if err != nil {
				t.Fatal(err)
			}
			rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
			for range 100 {
				recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents)
			}
			tracetest.Close(t, rc)
			if s := rc.Stats(); s.Exported != 100 || s.NotExported != 0 {
				t.Fatalf("stats: %+v", s)
			}
			if len(r.spans) != 100*27 {
				t.Fatalf("%d spans received", len(r.spans))
			}
			about := fmt.Sprint(r.from)
			if !strings.Contains(about, "glasskv") || !strings.Contains(about, "deployment.environment") {
				t.Errorf("resource: %s", about)
			}
		})
	}
}

func TestExportersThatThereAreNot(t *testing.T) {
	ctx := context.Background()
	if sink, err := NewSink(ctx, SinkOptions{Kind: ExporterNone}); sink != nil || err != nil {
		t.Errorf("none: %v, %v", sink, err)
	}
	if _, err := NewSink(ctx, SinkOptions{Kind: "carrier pigeon"}); !errors.Is(err, ErrExporter) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := NewSink(ctx, SinkOptions{Kind: ExporterFile, Path: t.TempDir()}); err == nil {
		t.Error("a directory was opened as a file")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
	if _, err := NewSink(ctx, SinkOptions{Kind: ExporterOTLP}); !errors.Is(err, ErrProtocol) {
		t.Errorf("protocol: %v", err)
	}
}
