package otlp

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

	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

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
			sink, err := NewSink(context.Background(), SinkOptions{Kind: sinkOTLP})
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
	if sink, err := NewSink(ctx, SinkOptions{Kind: SinkNone}); sink != nil || err != nil {
		t.Errorf("none: %v, %v", sink, err)
	}
	if _, err := NewSink(ctx, SinkOptions{Kind: "carrier pigeon"}); !errors.Is(err, ErrSinkKind) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := NewSink(ctx, SinkOptions{Kind: sinkFile, Path: t.TempDir()}); err == nil {
		t.Error("a directory was opened as a file")
	}
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
	if _, err := NewSink(ctx, SinkOptions{Kind: sinkOTLP}); !errors.Is(err, ErrProtocol) {
		t.Errorf("protocol: %v", err)
	}
}

func TestAFileIsAppendedTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	if err := os.WriteFile(path, []byte(`{"resourceSpans":[{"cut`), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		sink, err := NewSink(context.Background(), SinkOptions{Kind: sinkFile, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
		recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents)
		tracetest.Close(t, rc)
		if err := sink.ExportSpans(context.Background(), nil); err != nil {
			t.Errorf("nothing to export: %v", err)
		}
	}
	f, err := ReadFile(path)
	if err != nil || len(f.Timelines) != 2 || len(f.Problems) != 1 || f.Problems[0] != "line 1 is cut short" {
		t.Fatalf("%s, %v", tracetest.JSON(t, f), err)
	}
}

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// The shape of a file: which members and attributes stand where. Values differ
// from run to run, so they are left out.
func TestTheFilesShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "traces.jsonl")
	sink, err := NewSink(context.Background(), SinkOptions{Kind: sinkFile, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{Outlet: exporter(t, sink), SampleRatio: 1})
	conn := rc.NewConn("127.0.0.1:50000", "127.0.0.1:2379")
	conn.BeginAt(stages.HandleRawConn, record.Now())
	conn.EndAt(stages.HandleRawConn, record.Now())
	conn.BeginAt(stages.ServeStreams, record.Now())
	for _, code := range []uint32{0, 14} {
		r := rc.Start(conn, 1, record.Now())
		r.Mark(record.MarkTapped | record.MarkBegun)
		r.Facts().Method = "/etcdserverpb.KV/Put"
		r.SetKey([]byte("greeting"))
		r.SetCode(code, "etcdserver: no leader"[:code])
		for _, s := range []stages.Stage{stages.HandleStream, stages.V3Put, stages.Flush} {
			r.Begin(s)
			r.End(s)
		}
		if code == 0 {
			batch := recordtest.SavedBatch(1)
			batch.Add(r)
			r.SetSave(batch)
		}
		r.Done(record.AllEvents)
	}
	tracetest.Close(t, rc)
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
