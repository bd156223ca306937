package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/tracetest"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// spanJSON writes one span of OTLP/JSON with times in microseconds.
func spanJSON(trace, id, parent, name string, begin, end int64) string {
	return fmt.Sprintf(`{"traceId":"%s","spanId":"%s","parentSpanId":"%s","name":"%s","kind":1,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}`,
		trace, id, parent, name, epoch+begin*1000, epoch+end*1000)
}

const epoch = 1_700_000_000_000_000_000

func requestJSON(spans ...string) string {
	return `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},` +
		`"scopeSpans":[{"scope":{"name":"s"},"spans":[` + strings.Join(spans, ",") + `]}]}]}`
}

func read(t *testing.T, text string) *File {
	t.Helper()
	f, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, tl := range f.Timelines {
		tracetest.CheckLedger(t, tl)
	}
	return f
}

func TestAnotherProgramsSpansBecomeStages(t *testing.T) {
	f := read(t, requestJSON(
		spanJSON("t1", "a", "", "GET /cart", 0, 100),
		spanJSON("t1", "c", "a", "query", 60, 90),
		spanJSON("t1", "b", "a", "query", 10, 50),
		spanJSON("t1", "d", "b", "parse", 20, 30),
		spanJSON("t2", "a", "", "GET /", 0, 7),
	))
	if len(f.Timelines) != 2 || len(f.Problems) != 0 {
		t.Fatalf("%d timelines, %q", len(f.Timelines), f.Problems)
	}
	cart := f.Timelines[0]
	want := []string{">GET /cart", "GET /cart>query", "query>parse", "GET /cart>query#2"}
	if got := tracetest.Names(cart); !slices.Equal(got, want) {
		t.Fatalf("stages %q, want %q", got, want)
	}
	if cart.Method != "GET /cart" || cart.DurationNS != 100_000 || len(cart.Problems) != 0 {
		t.Fatalf("%+v", cart)
	}
	if cart.ExplainedNS != 100_000 || cart.Waited()["parse"] != 10_000 || cart.Waited()["query"] != 30_000 {
		t.Fatalf("ledger: %v", cart.Ledger)
	}
}

func TestASpanOfAnotherServiceIsOnAnotherNode(t *testing.T) {
	a := requestJSON(spanJSON("t1", "a", "", "front", 0, 100))
	b := strings.ReplaceAll(requestJSON(spanJSON("t1", "b", "a", "back", 10, 20)), `"shop"`, `"stock"`)
	f := read(t, a+"\n"+b+"\n")
	if len(f.Timelines) != 1 || f.Timelines[0].Stages[0].Node != "" || f.Timelines[0].Stages[1].Node != "stock" {
		t.Fatalf("%s", tracetest.JSON(t, f.Timelines))
	}
}

func TestEveryContradictionIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spans  []string
		stages []string
		says   []string
	}{
		"a child before its parent": {
			[]string{spanJSON("t", "a", "", "root", 10, 100), spanJSON("t", "b", "a", "early", 5, 20)},
			[]string{">root", "root>early"},
			[]string{"early begins 5µs before its parent root"},
		},
		"an end before its begin": {
			[]string{spanJSON("t", "a", "", "root", 0, 100), spanJSON("t", "b", "a", "backwards", 50, 20)},
			[]string{">root", "root>backwards"},
			[]string{"backwards ends 30µs before it begins"},
		},
		"a root that ends before it begins": {
			[]string{spanJSON("t", "a", "", "root", 100, 0)},
			[]string{">root"},
			[]string{"root ends 100µs before it begins"},
		},
		"a missing parent beside a root": {
			[]string{spanJSON("t", "a", "", "root", 0, 100), spanJSON("t", "b", "zz", "lost", 5, 20)},
			[]string{">root", "root>lost"},
			[]string{"the parent of lost, span zz, is not in the file"},
		},
		"a missing root": {
			[]string{spanJSON("t", "a", "zz", "first", 0, 100), spanJSON("t", "b", "zz", "second", 50, 200)},
			[]string{">" + missingRoot, missingRoot + ">first", missingRoot + ">second"},
			[]string{"the parent of first, span zz, is not in the file", "the parent of second, span zz, is not in the file"},
		},
		"one ID for two": {
			[]string{spanJSON("t", "a", "", "root", 0, 100), spanJSON("t", "b", "a", "one", 5, 20), spanJSON("t", "b", "a", "two", 30, 40)},
			[]string{">root", "root>one", "root>two"},
			[]string{"one and two have the same span ID b"},
		},
		"a circle": {
			[]string{spanJSON("t", "a", "b", "chicken", 10, 30), spanJSON("t", "b", "a", "egg", 20, 30)},
			[]string{">chicken", "chicken>egg"},
			[]string{"chicken is its own ancestor, by way of egg"},
		},
		"its own parent": {
			[]string{spanJSON("t", "a", "a", "self", 10, 30)},
			[]string{">self"},
			[]string{"self is its own ancestor, by way of self"},
		},
		"no times at all": {
			[]string{`{"traceId":"t","spanId":"a","name":"root"}`, `{"traceId":"t","spanId":"b","parentSpanId":"a","name":"kid","startTimeUnixNano":"soon"}`},
			[]string{">root", "root>kid"},
			[]string{"root has no begin", "kid has no begin"},
		},
		"no ID": {
			[]string{`{"traceId":"t","name":"nobody","startTimeUnixNano":1,"endTimeUnixNano":2}`},
			[]string{">nobody"},
			[]string{"nobody has no span ID"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := read(t, requestJSON(c.spans...))
			if len(f.Timelines) != 1 {
				t.Fatalf("%d timelines: %s", len(f.Timelines), tracetest.JSON(t, f))
			}
			tl := f.Timelines[0]
			if got := tracetest.Names(tl); !slices.Equal(got, c.stages) {
				t.Errorf("stages %q, want %q", got, c.stages)
			}
			if !slices.Equal(tl.Problems, c.says) {
				t.Errorf("says %q, want %q", tl.Problems, c.says)
			}
			for _, st := range tl.Stages {
				if st.EndNS < st.BeginNS {
					t.Errorf("%s is negative: %d…%d", st.Stage, st.BeginNS, st.EndNS)
				}
			}
		})
	}
}

func TestManyContradictionsAreCounted(t *testing.T) {
	spans := []string{spanJSON("t", "root", "", "root", 10, 100)}
	for i := range 1000 {
		spans = append(spans, spanJSON("t", fmt.Sprint(i), "root", "early", 5, 20))
	}
	tl := read(t, requestJSON(spans...)).Timelines[0]
	if n := len(tl.Problems); n != maxProblemsOfAKind+1 || tl.Problems[n-1] != "and 992 more like that" {
		t.Fatalf("%d problems, the last: %q", n, tl.Problems[n-1])
	}
}

func TestDamagedFilesAreShownAsFarAsTheyGo(t *testing.T) {
	one := requestJSON(spanJSON("t1", "a", "", "one", 0, 1))
	two := requestJSON(spanJSON("t2", "a", "", "two", 0, 1), spanJSON("t3", "a", "", "three", 0, 1))
	for name, c := range map[string]struct {
		text  string
		shown []string
		says  string
	}{
		"cut in the last line":    {one + "\n" + two[:len(two)-30], []string{"one", "two"}, "line 2 is cut short (1 spans before that are shown)"},
		"cut before any span":     {one + "\n" + two[:40], []string{"one"}, "line 2 is cut short"},
		"garbage between":         {one + "\n{garbage}\n" + two, []string{"one", "two", "three"}, "line 2: invalid character 'g'"},
		"a line that is no JSON":  {"hello\n" + one + "\n", []string{"one"}, "line 1: invalid character 'h'"},
		"a span that is a number": {requestJSON(spanJSON("t1", "a", "", "one", 0, 1), "7"), []string{"one"}, "line 1: a span that is no object"},
		"spans that are no list":  {one + "\n" + `{"resourceSpans":[{"scopeSpans":[{"spans":{"a":1}}]}]}`, []string{"one"}, "line 2: something that is no list"},
		"a name that is a number": {requestJSON(`{"traceId":"t","spanId":"a","name":5,"endTimeUnixNano":1,"startTimeUnixNano":1}`, spanJSON("t1", "a", "", "one", 0, 1)), []string{"", "one"}, "line 1: json: cannot unmarshal number"},
	} {
		t.Run(name, func(t *testing.T) {
			f := read(t, c.text)
			var shown []string
			for _, tl := range f.Timelines {
				shown = append(shown, tl.Method)
			}
			if !slices.Equal(shown, c.shown) {
				t.Errorf("shown %q, want %q", shown, c.shown)
			}
			if len(f.Problems) != 1 || !strings.HasPrefix(f.Problems[0], c.says) {
				t.Errorf("says %q, want %q", f.Problems, c.says)
			}
		})
	}
}

func TestOneObjectOverManyLinesIsCutShort(t *testing.T) {
	text := strings.ReplaceAll(requestJSON(spanJSON("t1", "a", "", "one", 0, 1), spanJSON("t2", "a", "", "two", 0, 1)), ",", ",\n  ")
	if f := read(t, text); len(f.Timelines) != 2 || len(f.Problems) != 0 {
		t.Fatalf("whole: %s", tracetest.JSON(t, f))
	}
	f := read(t, text[:len(text)-20])
	if len(f.Timelines) != 1 || len(f.Problems) != 1 || !strings.Contains(f.Problems[0], "is cut short (1 spans") {
		t.Fatalf("cut: %s", tracetest.JSON(t, f))
	}
}

func TestShapesOfOneFile(t *testing.T) {
	one, two := requestJSON(spanJSON("t1", "a", "", "one", 0, 1)), requestJSON(spanJSON("t2", "a", "", "two", 0, 1))
	rs := strings.TrimSuffix(strings.TrimPrefix(one, `{"resourceSpans":[`), `]}`)
	for name, text := range map[string]string{
		"a line each":            one + "\n" + two + "\n",
		"no newline at the end":  one + "\n" + two,
		"on one line":            one + two,
		"with empty lines":       "\n\n" + one + "\r\n\r\n" + two + "\n\n",
		"in an array":            "[" + one + "," + two + "]",
		"in an array, by line":   "[\n" + one + ",\n" + two + "\n]\n",
		"with a byte order mark": "\ufeff" + one + "\n" + two,
		"bare resource spans":    rs + "\n" + two,
		"bare and in an array":   "[" + rs + "," + two + "]",
	} {
		t.Run(name, func(t *testing.T) {
			f := read(t, text)
			if len(f.Timelines) != 2 || len(f.Problems) != 0 || f.Timelines[0].Method != "one" || f.Timelines[1].Method != "two" {
				t.Fatalf("%s", tracetest.JSON(t, f))
			}
		})
	}
}

func TestFilesWithNothingToShowAreErrors(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		err  error
		says string
	}{
		"empty":             {"", ErrEmptyFile, "the file is empty"},
		"blank":             {" \n\n\t", ErrEmptyFile, "the file is empty"},
		"binary":            {"\x7fELF\x02\x01\x01\x00\x00\x00", ErrNotJSON, "binary"},
		"text":              {"once upon a time", ErrNotJSON, "line 1: invalid character 'o'"},
		"a number":          {"42", ErrNotJSON, "no object"},
		"an empty object":   {"{}", ErrNoSpans, ErrNoSpans.Error()},
		"an empty list":     {"[]", ErrNoSpans, ErrNoSpans.Error()},
		"metrics":           {`{"resourceMetrics":[{"scopeMetrics":[]}]}`, ErrNoSpans, ErrNoSpans.Error()},
		"no spans":          {`{"resourceSpans":[]}`, ErrNoSpans, ErrNoSpans.Error()},
		"cut at once":       {`{"resourceSp`, ErrNoSpans, "line 1 is cut short"},
		"one brace":         {`{`, ErrNoSpans, "line 1 is cut short"},
		"a log of slog":     {`{"Time":"2026-01-01T00:00:00Z","Level":"INFO"}`, ErrNoSpans, "an object that is no span"},
		"nested to no end":  {strings.Repeat("[", 100_000), ErrNotJSON, ""},
		"nested attributes": {`{"resourceSpans":` + strings.Repeat("[", 20_000), ErrNoSpans, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Read(strings.NewReader(c.text))
			if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, %v; want %v, %q", f, err, c.err, c.says)
			}
		})
	}
}

func TestReadFileNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nothing.json")
	if _, err := ReadFile(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); !errors.Is(err, ErrEmptyFile) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v", err)
	}
}

func TestAttributesOfEveryKindAreKept(t *testing.T) {
	f := read(t, requestJSON(`{"traceId":"t","spanId":"a","name":"n","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":1000,"endTimeUnixNano":2e3,`+
		`"status":{"code":"STATUS_CODE_ERROR","message":"broke"},"attributes":[`+
		`{"key":"s","value":{"stringValue":"x"}},{"key":"i","value":{"intValue":"7"}},{"key":"j","value":{"intValue":7}},`+
		`{"key":"b","value":{"boolValue":false}},{"key":"d","value":{"doubleValue":1.5}},{"key":"n","value":{"doubleValue":"NaN"}},`+
		`{"key":"l","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"1"}]}}},{"key":"k","value":{"kvlistValue":{"values":[]}}},`+
		`{"key":"y","value":{"bytesValue":"AAE="}},{"key":"e","value":{}},{"key":"rpc.grpc.status_code","value":{"intValue":"14"}}]}`))
	tl := f.Timelines[0]
	want := map[string]string{"s": "x", "i": "7", "j": "7", "b": "false", "d": "1.5", "n": "NaN", "l": `x, {"intValue":"1"}`,
		"k": `{"values":[]}`, "y": "AAE=", "e": ""}
	for key, value := range want {
		if got, ok := tl.Attributes[key]; !ok || got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
	if tl.Code != "Unavailable" || tl.Message != "broke" || tl.Observer != trace.ObserverClient || tl.DurationNS != 1000 {
		t.Fatalf("%+v", tl)
	}
}

func TestARequestWhoseBatchIsNotInTheFileSaysSo(t *testing.T) {
	_, in := written(t, sinkFile, false, tracetest.Rand(3), 30)
	for _, tl := range in.Timelines {
		if len(tl.Problems) > 0 {
			t.Fatalf("problems of a whole file: %q", tl.Problems)
		}
	}
	root := fmt.Sprintf(`{"traceId":"t","spanId":"a","name":"etcdserverpb.KV/Put","startTimeUnixNano":%d,"endTimeUnixNano":%d,`+
		`"attributes":[{"key":"glasskv.observer","value":{"stringValue":"server"}},{"key":"glasskv.connection.reused","value":{"boolValue":false}}],`+
		`"links":[{"traceId":"u","spanId":"b","attributes":[{"key":"glasskv.link","value":{"stringValue":"wal.save"}},{"key":"glasskv.shared_by","value":{"intValue":"3"}}]},`+
		`{"traceId":"v","spanId":"b","attributes":[{"key":"glasskv.link","value":{"stringValue":"connection"}}]}]}`, epoch, epoch+5)
	tl := read(t, requestJSON(root)).Timelines[0]
	want := []string{"wal.save, which others share, is not in the file", "connection, which others share, is not in the file"}
	if !slices.Equal(tl.Problems, want) {
		t.Fatalf("says %q", tl.Problems)
	}
}

func TestLinksCannotMultiplyAFile(t *testing.T) {
	spans := []string{spanJSON("u", "b", "", "wal.save", 0, 1)}
	for i := range 2000 {
		spans = append(spans, spanJSON("u", fmt.Sprint(i), "b", "x", 0, 1))
	}
	link := `{"traceId":"u","spanId":"b","attributes":[{"key":"glasskv.link","value":{"stringValue":"wal.save"}}]}`
	for i := range 500 {
		spans = append(spans, fmt.Sprintf(`{"traceId":"t%d","spanId":"a","name":"r","startTimeUnixNano":1,"endTimeUnixNano":2,`+
			`"attributes":[{"key":"glasskv.observer","value":{"stringValue":"server"}}],"links":[%s]}`, i, strings.Repeat(link+",", 200)+link))
	}
	f := read(t, requestJSON(spans...))
	for _, tl := range f.Timelines {
		if len(tl.Stages) > maxShared {
			t.Fatalf("%d stages", len(tl.Stages))
		}
	}
}

func TestAHundredThousandSpansOpenQuickly(t *testing.T) {
	n := 100_000
	if tracetest.RaceEnabled {
		n = 10_000
	}
	for name, parent := range map[string]func(i int) string{
		"one below the other": func(i int) string { return fmt.Sprint("s", i-1) },
		"all below the root":  func(int) string { return "s0" },
	} {
		var b strings.Builder
		b.WriteString(`{"resourceSpans":[{"scopeSpans":[{"spans":[`)
		b.WriteString(spanJSON("t", "s0", "", "root", 0, int64(n)))
		for i := 1; i < n; i++ {
			b.WriteString(",\n  ")
			b.WriteString(spanJSON("t", fmt.Sprint("s", i), parent(i), "span", int64(i), int64(n)))
		}
		b.WriteString(`]}]}]}`)
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			f, err := Read(strings.NewReader(b.String()))
			took := time.Since(begun)
			if err != nil || len(f.Timelines) != 1 || len(f.Timelines[0].Stages) != n {
				t.Fatalf("%v", err)
			}
			tracetest.CheckLedger(t, f.Timelines[0])
			t.Logf("%v for %d MiB", took, b.Len()>>20)
			if took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

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
	exporter, err := NewSink(context.Background(), SinkOptions{Kind: sinkFile, Path: path})
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
	if len(f.Timelines) != 1 || len(f.Timelines[0].Stages) != 3 || f.Timelines[0].Method != missingRoot {
		t.Fatalf("%s", tracetest.JSON(t, f))
	}
	if len(f.Problems) != 1 || !strings.Contains(f.Problems[0], "cut short") {
		t.Fatalf("problems: %q", f.Problems)
	}
}

// checkRead is what must hold for whatever is read.
func checkRead(t *testing.T, data []byte) {
	f, err := Read(bytes.NewReader(data))
	if err != nil {
		if f != nil {
			t.Fatalf("a file beside the error %v", err)
		}
		return
	}
	if len(f.Timelines) == 0 {
		t.Fatal("neither timelines nor an error")
	}
	for _, tl := range f.Timelines {
		tracetest.CheckLedger(t, tl)
		for _, st := range tl.Stages {
			if st.EndNS < st.BeginNS {
				t.Fatalf("%s is %d…%d", st.Stage, st.BeginNS, st.EndNS)
			}
		}
		tracetest.JSON(t, tl)
	}
}

func FuzzReadOTLP(f *testing.F) {
	f.Add([]byte(requestJSON(spanJSON("t", "a", "", "root", 0, 9), spanJSON("t", "b", "a", "kid", 1, 2))))
	f.Add([]byte(requestJSON(spanJSON("t", "a", "b", "x", 0, 9), spanJSON("t", "b", "a", "y", 1, 2)) + "\n{"))
	rc := record.NewRecorder(record.Options{})
	w := recordtest.NewWorld(rc, rand.New(rand.NewPCG(1, 1)))
	from, err := newProvenance(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		s := newSpanner()
		r := w.Request()
		s.timeline(r.Timeline())
		for _, b := range w.Saves {
			s.batch(b)
		}
		for _, c := range w.Conns {
			s.conn(c, record.Now())
		}
		f.Add(appendRequestJSON(nil, &from, s.spans))
	}
	h, c, inner := recordtest.GatewayPut(f, rc) // made of parts
	s := newSpanner()
	s.timeline(h.Timeline())
	f.Add(appendRequestJSON(nil, &from, s.spans))
	for _, r := range []*record.Record{h, c, inner} {
		r.Done(record.AllEvents)
	}
	tracetest.Close(f, rc)
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}

func FuzzReadStdout(f *testing.F) {
	for _, opts := range [][]stdouttrace.Option{nil, {stdouttrace.WithPrettyPrint()}} {
		var out bytes.Buffer
		exporter, err := stdouttrace.New(append(opts, stdouttrace.WithWriter(&out))...)
		if err != nil {
			f.Fatal(err)
		}
		rc := record.NewRecorder(record.Options{})
		r := recordtest.NewWorld(rc, rand.New(rand.NewPCG(2, 1))).Request()
		from, err := newProvenance(context.Background())
		if err != nil {
			f.Fatal(err)
		}
		s := newSpanner()
		s.timeline(r.Timeline())
		if err := exporter.ExportSpans(context.Background(), from.stubs(s.spans)); err != nil {
			f.Fatal(err)
		}
		tracetest.Close(f, rc)
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}
