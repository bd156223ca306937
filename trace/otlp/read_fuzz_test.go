package otlp

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/tracetest"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
)

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
