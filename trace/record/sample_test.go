package record

import (
	"context"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/tracetest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestTheRatioDecidesAsTheSDKDoes(t *testing.T) {
	rng := tracetest.Rand(1)
	for _, ratio := range []float64{-1, 0, 1e-9, 0.1, 0.5, 0.999, 1, 2} {
		sampler := sdktrace.TraceIDRatioBased(ratio)
		kept := 0
		const n = 10_000
		for range n {
			id := trace.ID{Hi: rng.Uint64(), Lo: rng.Uint64()}
			want := sampler.ShouldSample(sdktrace.SamplingParameters{
				ParentContext: context.Background(), TraceID: id.Bytes(),
			}).Decision == sdktrace.RecordAndSample
			if got := inRatio(id, ratio); got != want {
				t.Fatalf("ratio %v, trace %v: %v, the SDK says %v", ratio, id, got, want)
			}
			if want {
				kept++
			}
		}
		if share := float64(kept) / n; share < min(1, max(0, ratio))-0.05 || share > min(1, max(0, ratio))+0.05 {
			t.Errorf("ratio %v kept %v", ratio, share)
		}
	}
}

func TestTheClientsDecisionOutranksTheRatio(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	asked := func(parent string) *Record {
		r := rc.Start(nil, 1, Now())
		r.Adopt(parent)
		r.Done(AllEvents)
		return r
	}
	yes := asked("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	no := asked("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
	silent := asked("")
	for _, c := range []struct {
		r     *Record
		ratio float64
		want  bool
	}{{yes, 0, true}, {yes, 1, true}, {no, 0, false}, {no, 1, false}, {silent, 0, false}, {silent, 1, true}} {
		if got := (&Options{SampleRatio: c.ratio}).sampled(c.r); got != c.want {
			t.Errorf("ratio %v, remote %v, sampled %v: %v", c.ratio, c.r.facts.Remote, c.r.facts.Sampled, got)
		}
	}
}

func TestQuickRequestsAreNotExported(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	o := &Options{SampleRatio: 1, SlowerThan: time.Millisecond}
	if o.sampled(finish(rc, time.Millisecond-1)) {
		t.Error("a quick one was sampled")
	}
	if !o.sampled(finish(rc, time.Millisecond)) {
		t.Error("a slow one was not")
	}
}
