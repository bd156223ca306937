package otlp

import (
	"strings"
	"testing"

	"glasskv/trace"
)

func TestSpansAreCounted(t *testing.T) {
	var out strings.Builder
	sink, err := NewSink(t.Context(), SinkOptions{Kind: sinkCounts, Writer: &out})
	if err != nil {
		t.Fatal(err)
	}
	e, err := NewExporter(sink)
	if err != nil {
		t.Fatal(err)
	}
	e.Timeline(&trace.Timeline{Method: "/etcdserverpb.KV/Put", DurationNS: 1})
	if err := e.Flush(t.Context()); err != nil || out.String() != "1 spans\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}
