package record_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/tracetest"
)

// slowOutlet is an Outlet whose Flush returns when the test says so.
type slowOutlet struct {
	entered chan int   // gets the number of spans of each flush
	answer  chan error // what Flush returns
	down    bool
	spans   int
}

func (s *slowOutlet) Timeline(t *trace.Timeline) { s.spans += 1 + len(t.Stages) }
func (s *slowOutlet) Conn(*record.Conn, int64)   { s.spans++ }
func (s *slowOutlet) Batch(*record.Batch)        { s.spans += 2 }
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
	rc := record.NewRecorder(record.Options{Outlet: outlet, SampleRatio: 1, MemoryBytes: 1})
	told := make(chan struct{}, 1)
	rc.Subscribe(func(*record.Record) { told <- struct{}{} })
	n := uint64(5 * rc.QueueLimit())
	for range n {
		recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents) // none of these waits for the exporter
		<-told
	}
	lost := rc.Lost().NotExported.Load()
	if lost == 0 {
		t.Error("nothing was lost: this test shows nothing")
	}
	close(outlet.answer) // it answers from now on
	tracetest.Close(t, rc)
	s := rc.Stats()
	if s.Exported+s.NotExported != n || s.NotExported != lost {
		t.Fatalf("%d exported and %d lost of %d; %d were lost before", s.Exported, s.NotExported, n, lost)
	}
	if !outlet.down {
		t.Error("the exporter was not shut down")
	}
	close(outlet.entered)
	for spans := range outlet.entered {
		if spans > rc.SpanLimit() {
			t.Errorf("%d spans at once", spans)
		}
	}
}

func TestAnExporterThatNeverAnswersIsGivenUp(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1000), answer: make(chan error)}
	rc := record.NewRecorder(record.Options{Outlet: outlet, SampleRatio: 1, ExportTimeout: time.Millisecond})
	recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents)
	<-outlet.entered
	tracetest.Close(t, rc)
	if s := rc.Stats(); s.NotExported != 1 || s.Exported != 0 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestFailedExportsAreCountedAndComplainedOfOnceASecond(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1000), answer: make(chan error)}
	refused := errors.New("refused")
	clock := make(chan int64) // what it reads when it wonders whether to complain
	var complaints []error
	rc := record.NewRecorder(record.Options{
		Outlet: outlet, SampleRatio: 1,
		Clock:   func() int64 { return <-clock },
		OnError: func(err error) { complaints = append(complaints, err) },
	})
	for _, now := range []time.Duration{1, time.Second / 2, 3 * time.Second / 4, time.Second + 1} {
		recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents)
		<-outlet.entered
		outlet.answer <- refused
		clock <- now.Nanoseconds()
	}
	tracetest.Close(t, rc)
	if n := rc.Lost().NotExported.Load(); n != 4 {
		t.Errorf("%d counted", n)
	}
	if len(complaints) != 2 || !errors.Is(complaints[0], refused) || !strings.HasPrefix(complaints[0].Error(), "export 1 requests: ") {
		t.Errorf("complaints: %v", complaints)
	}
}

func TestCloseDoesNotWaitForAnExporterForever(t *testing.T) {
	outlet := &slowOutlet{entered: make(chan int, 1), answer: make(chan error)}
	rc := record.NewRecorder(record.Options{Outlet: outlet, SampleRatio: 1})
	recordtest.WarmPut(rc, nil, nil).Done(record.AllEvents)
	<-outlet.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rc.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	tracetest.Close(t, rc) // what it had begun is broken off, so this ends
}
