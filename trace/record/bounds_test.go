package record

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

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
