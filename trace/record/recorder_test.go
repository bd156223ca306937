package record

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
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

func TestTooManyRequestsUnderWayAreCountedNotRecorded(t *testing.T) {
	rc := NewRecorder(Options{MemoryBytes: MinMemoryBytes})
	defer closeRecorder(t, rc)
	for range rc.limit.live {
		if rc.Start(nil, 1, Now()) == nil {
			t.Fatal("refused below the bound")
		}
	}
	r := rc.Start(nil, 1, Now())
	if r != nil {
		t.Fatal("recorded above the bound")
	}
	r.Begin(stages.Flush) // a request that is not recorded may be used like any other
	r.Done(AllEvents)
	if n := rc.Lost().NotRecorded.Load(); n != 1 {
		t.Fatalf("counted %d", n)
	}
}

func TestEveryFinishedRecordIsSeenOrCountedAsOverwritten(t *testing.T) {
	const finishers, each = 8, 5_000
	rc := NewRecorder(Options{MemoryBytes: MinMemoryBytes})
	var told atomic.Uint64
	var last uint64
	rc.Subscribe(func(r *Record) {
		if r.shelf.finished <= last {
			t.Errorf("number %d came after %d", r.shelf.finished, last)
		}
		last = r.shelf.finished
		told.Add(1)
		for range 50 { // a worker that cannot keep up
			runtime.Gosched()
		}
	})
	var all sync.WaitGroup
	for range finishers {
		all.Go(func() {
			for range each {
				took(rc, 1)
			}
		})
	}
	all.Wait()
	closeRecorder(t, rc)
	s := rc.Stats()
	if s.Finished+s.NotRecorded != finishers*each {
		t.Fatalf("finished %d and not recorded %d of %d", s.Finished, s.NotRecorded, finishers*each)
	}
	if told.Load()+s.Overwritten != s.Finished || s.Seen != s.Finished {
		t.Fatalf("%d told, %d overwritten, %d passed; %d finished", told.Load(), s.Overwritten, s.Seen, s.Finished)
	}
	if s.Overwritten == 0 {
		t.Error("the worker kept up: this test shows nothing")
	}
}

func TestLoadDoesNotWashOutTheSlowest(t *testing.T) {
	rc := NewRecorder(Options{MemoryBytes: 1 << 20})
	told := make(chan struct{}, 2)
	cancel := rc.Subscribe(func(*Record) { told <- struct{}{} })
	slow := took(rc, time.Second)
	stream := took(rc, time.Hour, MarkStreaming)
	<-told
	<-told
	cancel()
	for i := range 10 * len(rc.ring) {
		took(rc, time.Duration(i%1000)*time.Microsecond)
	}
	closeRecorder(t, rc)
	if got := rc.Slowest(1); len(got) != 1 || got[0] != slow {
		t.Fatalf("the slowest is %v", got)
	}
	if got := rc.SlowestStreams(5); len(got) != 1 || got[0] != stream {
		t.Fatalf("the longest streams are %v", got)
	}
	if rc.Find(slow.TraceID()) != slow {
		t.Fatal("the slowest cannot be found by its ID")
	}
	all := rc.Slowest(1000)
	if len(all) != rc.limit.slowest {
		t.Fatalf("%d kept, want %d", len(all), rc.limit.slowest)
	}
	for i := 1; i < len(all); i++ {
		if all[i].Duration() > all[i-1].Duration() {
			t.Fatal("not in order")
		}
	}
}

func TestTheMemoryIsSharedOutWithinTheBound(t *testing.T) {
	for _, bytes := range []int64{0, 1, 1 << 20, 5 << 20, 32 << 20, 1 << 30} {
		for _, outlet := range []Outlet{nil, &slowOutlet{}} {
			o := Options{MemoryBytes: bytes, Outlet: outlet}
			b := o.fill()
			most := int64(b.ring+b.live+b.queue)*(recordBytes+8) + int64(b.slowest+b.slowStreams)*slowBytes + b.extra
			if outlet != nil {
				most += int64(b.batch) * spanMemory
			}
			if slack := o.MemoryBytes / 64; most > o.MemoryBytes+slack || b.ring == 0 || b.live == 0 {
				t.Errorf("of %d bytes, %d are given away: %+v", o.MemoryBytes, most, b)
			}
			if bytes == 0 && (b.slowest != maxSlowest || b.slowStreams != maxSlowStreams || b.batch != maxBatch) {
				t.Errorf("by default: %+v", b)
			}
		}
	}
}

func TestMemoryStaysWithinTheBound(t *testing.T) {
	total := 1_000_000
	if testing.Short() || tracetest.RaceEnabled {
		total = 50_000
	}
	before := heapBytes()
	rc := NewRecorder(Options{})
	long := make([]byte, 1<<10)
	for i := range total {
		conn := rc.NewConn("192.0.2.1:50000", "192.0.2.2:2379") // a connection for every request is the worst case
		r := rc.Start(conn, 1, Now())
		b := NewBatch(stages.WALSave, 1)
		b.Add(r)
		r.SetSave(b)
		if i%16 == 0 {
			r.Facts().Method = string(long)
			r.SetCode(12, string(long))
		}
		r.Done(AllEvents)
	}
	used := heapBytes() - before
	closeRecorder(t, rc)
	s := rc.Stats()
	if used > DefaultMemoryBytes || s.MemoryUsed > s.MemoryBound {
		t.Fatalf("%d bytes on the heap, %d by its own account; bound %d", used, s.MemoryUsed, s.MemoryBound)
	}
	if s.Finished != uint64(total) || s.Live != 0 {
		t.Fatalf("stats: %+v", s)
	}
	t.Logf("%d bytes on the heap, %d by its own account, %d records kept", used, s.MemoryUsed, s.Kept)
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestReservedMemoryIsGivenBackWithTheRecord(t *testing.T) {
	rc := NewRecorder(Options{MemoryBytes: MinMemoryBytes})
	refused := 0
	for range 10 * len(rc.ring) {
		r := rc.Start(nil, 1, Now())
		if !r.reserve(1 << 10) {
			refused++
		}
		r.Done(AllEvents)
		if rc.extra.Load() > rc.limit.extra {
			t.Fatalf("%d bytes reserved, bound %d", rc.extra.Load(), rc.limit.extra)
		}
	}
	for range 2 * len(rc.ring) {
		took(rc, time.Second) // pushes out the others, also from among the slowest
	}
	closeRecorder(t, rc)
	if n := rc.extra.Load(); n != 0 {
		t.Fatalf("%d bytes are still reserved", n)
	}
	if refused == 0 {
		t.Error("the bound was never met: this test shows nothing")
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	rc := NewRecorder(Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	rc.Subscribe(func(*Record) { close(entered); <-release })
	took(rc, 1)
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rc.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(release)
	closeRecorder(t, rc)
}
