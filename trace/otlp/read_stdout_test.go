package otlp

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"glasskv/trace/tracetest"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// anyProgram traces a bit of work with the SDK as any program would.
func anyProgram(t *testing.T, exporter sdktrace.SpanExporter) {
	t.Helper()
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	tracer := provider.Tracer("shop")
	ctx, root := tracer.Start(context.Background(), "GET /cart", oteltrace.WithSpanKind(oteltrace.SpanKindServer),
		oteltrace.WithAttributes(attribute.String("user", "\u4eba"), attribute.Int("n", 7), attribute.StringSlice("tags", []string{"a", "b"}),
			attribute.Bool("yes", true), attribute.Float64("f", 0.5)))
	_, query := tracer.Start(ctx, "query")
	query.SetStatus(otelcodes.Error, "no such table")
	query.End()
	_, query = tracer.Start(ctx, "query")
	query.End()
	root.End()
	if err := provider.Shutdown(tracetest.Limit(t)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheSDKWritesToStdoutIsRead(t *testing.T) {
	for name, opts := range map[string][]stdouttrace.Option{
		"compact":          nil,
		"pretty":           {stdouttrace.WithPrettyPrint()},
		"without times":    {stdouttrace.WithoutTimestamps()},
		"pretty, no times": {stdouttrace.WithPrettyPrint(), stdouttrace.WithoutTimestamps()},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			exporter, err := stdouttrace.New(append(opts, stdouttrace.WithWriter(&out))...)
			if err != nil {
				t.Fatal(err)
			}
			anyProgram(t, exporter)
			f := read(t, out.String())
			if len(f.Timelines) != 1 || len(f.Problems) != 0 {
				t.Fatalf("%s", tracetest.JSON(t, f))
			}
			tl := f.Timelines[0]
			want := []string{">GET /cart", "GET /cart>query", "GET /cart>query#2"}
			if got := tracetest.Names(tl); !slices.Equal(got, want) {
				t.Errorf("stages %q, want %q", got, want)
			}
			for key, value := range map[string]string{"user": "人", "n": "7", "tags": "a, b", "yes": "true", "f": "0.5"} {
				if tl.Attributes[key] != value {
					t.Errorf("%s is %q, want %q", key, tl.Attributes[key], value)
				}
			}
			if timeless := strings.Contains(name, "times"); timeless != (len(tl.Problems) > 0) {
				t.Errorf("problems: %q", tl.Problems)
			}
		})
	}
}

func TestWhatTheSDKExportsToOurFileIsRead(t *testing.T) {
	path := t.TempDir() + "/traces.jsonl"
	exporter, err := NewSink(context.Background(), SinkOptions{Kind: ExporterFile, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	anyProgram(t, exporter)
	f, err := ReadFile(path)
	if err != nil || len(f.Timelines) != 1 || len(f.Problems) != 0 {
		t.Fatalf("%s, %v", tracetest.JSON(t, f), err)
	}
	tl := f.Timelines[0]
	if tl.Method != "GET /cart" || len(tl.Stages) != 3 || tl.Attributes["tags"] != "a, b" || tl.Attributes["f"] != "0.5" {
		t.Fatalf("%s", tracetest.JSON(t, tl))
	}
}

func TestPrettyOutputThatIsCutShort(t *testing.T) {
	var out bytes.Buffer
	exporter, err := stdouttrace.New(stdouttrace.WithPrettyPrint(), stdouttrace.WithWriter(&out))
	if err != nil {
		t.Fatal(err)
	}
	anyProgram(t, exporter)
	whole := out.String()
	last := strings.LastIndex(whole, "\n{")
	f := read(t, whole[:last+40])
	// The root ends last and is what was cut off.
	if len(f.Timelines) != 1 || len(f.Timelines[0].Stages) != 3 || f.Timelines[0].Method != MissingRoot {
		t.Fatalf("%s", tracetest.JSON(t, f))
	}
	if len(f.Problems) != 1 || !strings.Contains(f.Problems[0], "cut short") {
		t.Fatalf("problems: %q", f.Problems)
	}
}
