package otlp

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"glasskv/trace/tracetest"
)

func TestARequestWhoseBatchIsNotInTheFileSaysSo(t *testing.T) {
	_, in := written(t, ExporterFile, false, tracetest.Rand(3), 30)
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
