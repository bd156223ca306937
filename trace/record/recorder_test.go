package record

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// took makes a finished record of that duration.
func took(rc *Recorder, d time.Duration, marks ...Mark) *Record {
	begin := Now()
	r := rc.Start(nil, 1, begin)
	for _, m := range marks {
		r.Mark(m)
	}
	r.BeginAt(stages.Flush, begin)
	r.EndAt(stages.Flush, begin+d.Nanoseconds())
	r.Done(AllEvents)
	return r
}

func TestAFinishedRequestIsToldToSubscribersAndFound(t *testing.T) {
	rc := NewRecorder(Options{})
	told := make(chan *Record, 1)
	cancel := rc.Subscribe(func(r *Record) { told <- r })
	defer cancel()

	r := rc.Start(nil, 1, Now())
	r.Done(EventHandled)
	r.Done(EventWire)
	if r.Finished() {
		t.Fatal("finished before its last event")
	}
	r.Done(EventRead)

	if got := <-told; got != r {
		t.Fatalf("told of %p, want %p", got, r)
	}
	if got := rc.Find(r.TraceID()); got != r {
		t.Fatalf("found %p, want %p", got, r)
	}
	if last := rc.Last(10); len(last) != 1 || last[0] != r {
		t.Fatalf("last: %v", last)
	}
	closeRecorder(t, rc)
	s := rc.Stats()
	if s.Begun != 1 || s.Finished != 1 || s.Live != 0 || s.Seen != 1 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestCancelledSubscriberIsNotToldAnyMore(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	first, second := make(chan *Record, 2), make(chan *Record, 2)
	cancel := rc.Subscribe(func(r *Record) { first <- r })
	rc.Subscribe(func(r *Record) { second <- r })
	took(rc, 1)
	<-first
	<-second
	cancel()
	took(rc, 1)
	<-second
	if len(first) != 0 {
		t.Fatal("told after cancel")
	}
}

func TestLastBringsTheNewestFirst(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	var all []*Record
	for range 5 {
		all = append(all, took(rc, 1))
	}
	got := rc.Last(3)
	if len(got) != 3 || got[0] != all[4] || got[1] != all[3] || got[2] != all[2] {
		t.Fatalf("last three are not the newest, newest first: %v", got)
	}
	if n := len(rc.Last(-1)); n != 0 {
		t.Fatalf("Last(-1) brought %d", n)
	}
}

func TestWaitForReturnsWhenTheRequestIsOver(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	r := rc.Start(nil, 1, Now())
	type answer struct {
		r   *Record
		err error
	}
	got := make(chan answer)
	go func() {
		r, err := rc.WaitFor(limit(t), r.TraceID())
		got <- answer{r, err}
	}()
	for rc.waiting.count.Load() == 0 {
		runtime.Gosched()
	}
	r.Done(AllEvents)
	if a := <-got; a.err != nil || a.r != r {
		t.Fatalf("got %v, %v", a.r, a.err)
	}
	if again, err := rc.WaitFor(limit(t), r.TraceID()); err != nil || again != r {
		t.Fatalf("a second time: %v, %v", again, err)
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := rc.WaitFor(ctx, "0123456789abcdef0123456789abcdef"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	for _, bad := range []string{"", "xyz", "00000000000000000000000000000000", "0123456789abcdef0123456789abcdeg"} {
		if _, err := rc.WaitFor(ctx, bad); !errors.Is(err, trace.ErrTraceID) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
	if n := len(rc.waiting.byID); n != 0 {
		t.Fatalf("%d waiters left behind", n)
	}
}
