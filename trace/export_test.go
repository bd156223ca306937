package trace

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
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
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	w := newWorld(rc, newRand(5))
	s := newSpanner()
	for range 30 {
		s.timeline(w.request().assemble(nil))
	}
	for _, b := range append(w.saves, w.reads...) {
		s.batch(b)
	}
	for _, c := range w.conns {
		s.conn(c, Now())
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
				defer func() { srv.Stop(); <-served }()
				url = "http://" + l.Addr().String()
			} else {
				srv := httptest.NewServer(r)
				defer srv.Close()
				url = srv.URL
			}
			t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
			sink, err := NewExporter(context.Background(), ExporterOptions{Kind: ExporterOTLP})
			if err != nil {
				t.Fatal(err)
			}
			rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1})
			for range 100 {
				warmPut(rc, nil, nil).Done(allEvents)
			}
			closeRecorder(t, rc)
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
	if sink, err := NewExporter(ctx, ExporterOptions{Kind: ExporterNone}); sink != nil || err != nil {
		t.Errorf("none: %v, %v", sink, err)
	}
	if _, err := NewExporter(ctx, ExporterOptions{Kind: "carrier pigeon"}); !errors.Is(err, ErrExporter) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := NewExporter(ctx, ExporterOptions{Kind: ExporterFile, Path: t.TempDir()}); err == nil {
		t.Error("a directory was opened as a file")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
	if _, err := NewExporter(ctx, ExporterOptions{Kind: ExporterOTLP}); !errors.Is(err, ErrProtocol) {
		t.Errorf("protocol: %v", err)
	}
}

// slowSink is an exporter of which the test decides when it returns, and what.
type slowSink struct {
	entered chan int   // gets the number of spans of each export
	answer  chan error // what to return
	down    bool
}

func (s *slowSink) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	s.entered <- len(spans)
	select {
	case err := <-s.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowSink) Shutdown(context.Context) error { s.down = true; return nil }

func TestAnExporterThatHangsBlocksNobody(t *testing.T) {
	sink := &slowSink{entered: make(chan int, 1000), answer: make(chan error)}
	rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1, MemoryBytes: MinMemoryBytes})
	told := make(chan struct{}, 1)
	rc.Subscribe(func(*Record) { told <- struct{}{} })
	n := uint64(5 * rc.limit.queue)
	for range n {
		warmPut(rc, nil, nil).Done(allEvents) // none of these waits for the exporter
		<-told
	}
	lost := rc.Lost().NotExported.Load()
	if lost == 0 {
		t.Error("nothing was lost: this test shows nothing")
	}
	close(sink.answer) // it answers from now on
	closeRecorder(t, rc)
	s := rc.Stats()
	if s.Exported+s.NotExported != n || s.NotExported != lost {
		t.Fatalf("%d exported and %d lost of %d; %d were lost before", s.Exported, s.NotExported, n, lost)
	}
	if !sink.down {
		t.Error("the exporter was not shut down")
	}
	close(sink.entered)
	for spans := range sink.entered {
		if spans > maxBatch {
			t.Errorf("%d spans at once", spans)
		}
	}
}

func TestAnExporterThatNeverAnswersIsGivenUp(t *testing.T) {
	sink := &slowSink{entered: make(chan int, 1000), answer: make(chan error)}
	rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1, ExportTimeout: time.Millisecond})
	warmPut(rc, nil, nil).Done(allEvents)
	<-sink.entered
	closeRecorder(t, rc)
	if s := rc.Stats(); s.NotExported != 1 || s.Exported != 0 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestFailedExportsAreCountedAndComplainedOfOnceASecond(t *testing.T) {
	sink := &slowSink{entered: make(chan int, 1000), answer: make(chan error)}
	refused := errors.New("refused")
	clock := make(chan int64) // what it reads when it wonders whether to complain
	var complaints []error
	rc := NewRecorder(Options{
		Exporter: sink, SampleRatio: 1,
		Clock:   func() int64 { return <-clock },
		OnError: func(err error) { complaints = append(complaints, err) },
	})
	for _, now := range []time.Duration{1, time.Second / 2, 3 * time.Second / 4, time.Second + 1} {
		warmPut(rc, nil, nil).Done(allEvents)
		<-sink.entered
		sink.answer <- refused
		clock <- now.Nanoseconds()
	}
	closeRecorder(t, rc)
	if n := rc.Lost().NotExported.Load(); n != 4 {
		t.Errorf("%d counted", n)
	}
	if len(complaints) != 2 || !errors.Is(complaints[0], refused) || !strings.HasPrefix(complaints[0].Error(), "export 1 requests: ") {
		t.Errorf("complaints: %v", complaints)
	}
}

func TestCloseDoesNotWaitForAnExporterForever(t *testing.T) {
	sink := &slowSink{entered: make(chan int, 1), answer: make(chan error)}
	rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1})
	warmPut(rc, nil, nil).Done(allEvents)
	<-sink.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rc.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	closeRecorder(t, rc) // what it had begun is broken off, so this ends
}

func TestAFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	if err := os.WriteFile(path, []byte(`{"resourceSpans":[{"cut`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		sink, err := NewExporter(context.Background(), ExporterOptions{Kind: ExporterFile, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1})
		warmPut(rc, nil, nil).Done(allEvents)
		closeRecorder(t, rc)
		if err := sink.ExportSpans(context.Background(), nil); err != nil {
			t.Errorf("nothing to export: %v", err)
		}
	}
	f, err := ReadFile(path)
	if err != nil || len(f.Timelines) != 2 || len(f.Problems) != 1 || f.Problems[0] != "line 1 is cut short" {
		t.Fatalf("%s, %v", asJSON(t, f), err)
	}
}

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// The shape of a file: which members and attributes stand where. Values differ
// from run to run, so they are left out.
func TestTheFilesShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	sink, err := NewExporter(context.Background(), ExporterOptions{Kind: ExporterFile, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	rc := NewRecorder(Options{Exporter: sink, SampleRatio: 1})
	conn := rc.NewConn("127.0.0.1:50000", "127.0.0.1:2379")
	conn.BeginAt(HandleRawConn, Now())
	conn.EndAt(HandleRawConn, Now())
	conn.BeginAt(ServeStreams, Now())
	warmPut(rc, conn, savedBatch(1)).Done(allEvents)
	failed := warmPut(rc, conn, nil)
	failed.SetCode(14, "etcdserver: no leader")
	failed.Done(allEvents)
	closeRecorder(t, rc)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var got bytes.Buffer
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var request any
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			t.Fatal(err)
		}
		shape(&got, "", request)
	}
	golden(t, "file.txt", got.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at it after go test -rewrite\n%s", path, got)
	}
}

// shape writes the members of a JSON value, without the values that differ.
func shape(w io.Writer, indent string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if key, ok := v["key"]; ok {
			fmt.Fprintf(w, "%s%s", indent, key)
			for kind := range v["value"].(map[string]any) {
				fmt.Fprintf(w, " %s", kind)
			}
			fmt.Fprintln(w)
			return
		}
		if name, ok := v["name"]; ok {
			fmt.Fprintf(w, "%s· %v\n", indent, name)
		}
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			switch v[key].(type) {
			case map[string]any, []any:
				fmt.Fprintf(w, "%s%s\n", indent, key)
				shape(w, indent+"  ", v[key])
			default:
				if key != "version" { // depends on how the binary was built
					fmt.Fprintf(w, "%s%s %T\n", indent, key, v[key])
				}
			}
		}
	case []any:
		for _, each := range v {
			shape(w, indent, each)
		}
	}
}
