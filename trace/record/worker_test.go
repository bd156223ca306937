package record

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/tracetest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// slowOutlet is an Outlet whose Flush returns when the test says so.
type slowOutlet struct {
	entered chan int   // gets the number of spans of each flush
	answer  chan error // what Flush returns
	down    bool
	spans   int
}

func (s *slowOutlet) Timeline(t *trace.Timeline) { s.spans += 1 + len(t.Stages) }
func (s *slowOutlet) Conn(*Conn, int64)          { s.spans++ }
func (s *slowOutlet) Batch(*Batch)               { s.spans += 2 }
func (s *slowOutlet) Waiting() int               { return s.spans }

func (s *slowOutlet) Flush(ctx context.Context) error {
	s.entered <- s.spans
	s.spans = 0
	select {
	case err := <-s.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowOutlet) Shutdown(context.Context) error { s.down = true; return nil }

func TestAnExporterThatHangsBlocksNobody(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1000), answer: make(chan error)}
	rc := NewRecorder(Options{Outlet: outlet, SampleRatio: 1, MemoryBytes: MinMemoryBytes})
	told := make(chan struct{}, 1)
	rc.Subscribe(func(*Record) { told <- struct{}{} })
	n := uint64(5 * rc.limit.queue)
	for range n {
		warmPut(rc, nil, nil).Done(AllEvents) // none of these waits for the exporter
		<-told
	}
	lost := rc.Lost().NotExported.Load()
	if lost == 0 {
		t.Error("nothing was lost: this test shows nothing")
	}
	close(outlet.answer) // it answers from now on
	closeRecorder(t, rc)
	s := rc.Stats()
	if s.Exported+s.NotExported != n || s.NotExported != lost {
		t.Fatalf("%d exported and %d lost of %d; %d were lost before", s.Exported, s.NotExported, n, lost)
	}
	if !outlet.down {
		t.Error("the exporter was not shut down")
	}
	close(outlet.entered)
	for spans := range outlet.entered {
		if spans > rc.limit.batch {
			t.Errorf("%d spans at once", spans)
		}
	}
}

func TestAnExporterThatNeverAnswersIsGivenUp(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1000), answer: make(chan error)}
	rc := NewRecorder(Options{Outlet: outlet, SampleRatio: 1, ExportTimeout: time.Millisecond})
	warmPut(rc, nil, nil).Done(AllEvents)
	<-outlet.entered
	closeRecorder(t, rc)
	if s := rc.Stats(); s.NotExported != 1 || s.Exported != 0 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestFailedExportsAreCountedAndComplainedOfOnceASecond(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1000), answer: make(chan error)}
	refused := errors.New("refused")
	clock := make(chan int64) // what it reads when it wonders whether to complain
	var complaints []error
	rc := NewRecorder(Options{
		Outlet: outlet, SampleRatio: 1,
		Clock:   func() int64 { return <-clock },
		OnError: func(err error) { complaints = append(complaints, err) },
	})
	for _, now := range []time.Duration{1, time.Second / 2, 3 * time.Second / 4, time.Second + 1} {
		warmPut(rc, nil, nil).Done(AllEvents)
		<-outlet.entered
		outlet.answer <- refused
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
	outlet := &slowOutlet{entered: make(chan int, 1), answer: make(chan error)}
	rc := NewRecorder(Options{Outlet: outlet, SampleRatio: 1})
	warmPut(rc, nil, nil).Done(AllEvents)
	<-outlet.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rc.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	closeRecorder(t, rc) // what it had begun is broken off, so this ends
}

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
	defer closeRecorder(t, rc)
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
	defer closeRecorder(t, rc)
	o := &Options{SampleRatio: 1, SlowerThan: time.Millisecond}
	if o.sampled(took(rc, time.Millisecond-1)) {
		t.Error("a quick one was sampled")
	}
	if !o.sampled(took(rc, time.Millisecond)) {
		t.Error("a slow one was not")
	}
}
