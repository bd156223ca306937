package trace

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

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
		checkLedger(t, tl)
		for _, st := range tl.Stages {
			if st.EndNS < st.BeginNS {
				t.Fatalf("%s is %d…%d", st.Stage, st.BeginNS, st.EndNS)
			}
		}
		asJSON(t, tl)
	}
}

func FuzzReadOTLP(f *testing.F) {
	f.Add([]byte(requestJSON(spanJSON("t", "a", "", "root", 0, 9), spanJSON("t", "b", "a", "kid", 1, 2))))
	f.Add([]byte(requestJSON(spanJSON("t", "a", "b", "x", 0, 9), spanJSON("t", "b", "a", "y", 1, 2)) + "\n{"))
	rc := NewRecorder(Options{})
	w := newWorld(rc, rand.New(rand.NewPCG(1, 1)))
	from, err := newProvenance(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	for range 3 {
		s := newSpanner()
		r := w.request()
		s.timeline(r.assemble(nil))
		for _, b := range w.saves {
			s.batch(b)
		}
		for _, c := range w.conns {
			s.conn(c, Now())
		}
		f.Add(appendRequestJSON(nil, &from, s.spans))
	}
	h, c, inner := gatewayPut(f, rc) // made of parts
	s := newSpanner()
	s.timeline(h.assemble(nil))
	f.Add(appendRequestJSON(nil, &from, s.spans))
	for _, r := range []*Record{h, c, inner} {
		r.Done(allEvents)
	}
	closeRecorder(f, rc)
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}

func FuzzReadStdout(f *testing.F) {
	for _, opts := range [][]stdouttrace.Option{nil, {stdouttrace.WithPrettyPrint()}} {
		var out bytes.Buffer
		exporter, err := stdouttrace.New(append(opts, stdouttrace.WithWriter(&out))...)
		if err != nil {
			f.Fatal(err)
		}
		rc := NewRecorder(Options{})
		r := newWorld(rc, rand.New(rand.NewPCG(2, 1))).request()
		from, err := newProvenance(context.Background())
		if err != nil {
			f.Fatal(err)
		}
		s := newSpanner()
		s.timeline(r.assemble(nil))
		if err := exporter.ExportSpans(context.Background(), from.stubs(s.spans)); err != nil {
			f.Fatal(err)
		}
		closeRecorder(f, rc)
		f.Add(out.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRead(t, data) })
}
