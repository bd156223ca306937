package record

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// finish makes a finished record of that duration.
func finish(rc *Recorder, d time.Duration, marks ...Mark) *Record {
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
	if got := rc.find(r.traceID); got != r {
		t.Fatalf("found %p, want %p", got, r)
	}
	if last := rc.Last(10); len(last) != 1 || last[0] != r {
		t.Fatalf("last: %v", last)
	}
	tracetest.Close(t, rc)
	s := rc.Stats()
	if s.Begun != 1 || s.Finished != 1 || s.Live != 0 || s.Seen != 1 {
		t.Fatalf("stats: %+v", s)
	}
}

func TestCancelledSubscriberIsNotToldAnyMore(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	first, second := make(chan *Record, 2), make(chan *Record, 2)
	cancel := rc.Subscribe(func(r *Record) { first <- r })
	rc.Subscribe(func(r *Record) { second <- r })
	finish(rc, 1)
	<-first
	<-second
	cancel()
	finish(rc, 1)
	<-second
	if len(first) != 0 {
		t.Fatal("told after cancel")
	}
}

func TestLastBringsTheNewestFirst(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	var all []*Record
	for range 5 {
		all = append(all, finish(rc, 1))
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
	defer tracetest.Close(t, rc)
	r := rc.Start(nil, 1, Now())
	type answer struct {
		r   *Record
		err error
	}
	got := make(chan answer)
	go func() {
		r, err := rc.WaitFor(tracetest.Limit(t), r.TraceID())
		got <- answer{r, err}
	}()
	for rc.waiting.count.Load() == 0 {
		runtime.Gosched()
	}
	r.Done(AllEvents)
	if a := <-got; a.err != nil || a.r != r {
		t.Fatalf("got %v, %v", a.r, a.err)
	}
	if again, err := rc.WaitFor(tracetest.Limit(t), r.TraceID()); err != nil || again != r {
		t.Fatalf("a second time: %v, %v", again, err)
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
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
	rc := NewRecorder(Options{MemoryBytes: minMemoryBytes})
	defer tracetest.Close(t, rc)
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
	rc := NewRecorder(Options{MemoryBytes: minMemoryBytes})
	var told atomic.Uint64
	var last uint64
	rc.Subscribe(func(r *Record) {
		if r.kept.number <= last {
			t.Errorf("number %d came after %d", r.kept.number, last)
		}
		last = r.kept.number
		told.Add(1)
		for range 50 { // a worker that cannot keep up
			runtime.Gosched()
		}
	})
	var all sync.WaitGroup
	for range finishers {
		all.Go(func() {
			for range each {
				finish(rc, 1)
			}
		})
	}
	all.Wait()
	tracetest.Close(t, rc)
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
	slow := finish(rc, time.Second)
	stream := finish(rc, time.Hour, MarkStreaming)
	<-told
	<-told
	cancel()
	for i := range 10 * len(rc.ring) {
		finish(rc, time.Duration(i%1000)*time.Microsecond)
	}
	tracetest.Close(t, rc)
	if got := rc.Slowest(1); len(got) != 1 || got[0] != slow {
		t.Fatalf("the slowest is %v", got)
	}
	if got := rc.slowest.top(5, true); len(got) != 1 || got[0] != stream {
		t.Fatalf("the longest streams are %v", got)
	}
	if rc.find(slow.traceID) != slow {
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
		for _, outlet := range []Outlet{nil, struct{ Outlet }{}} {
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

// Every field through which a record keeps memory is counted in footprint, or small, or
// shared by all records.
func TestFootprintForgetsNoField(t *testing.T) {
	want := []string{
		"Record.recorder",          // shared by all
		"Record.conn",              // footprint.conn
		"Record.facts.Method",      // footprint.method
		"Record.facts.Compression", // small
		"Record.message",           // footprint.message
		"Record.save",              // footprint.save
		"Record.round",             // footprint.save
		"Record.repeats",           // reserved
		"Record.embedded",          // records of their own
		"Record.outer",             // a record of its own
		"Record.stamps.write",      // footprint.write
		"Record.stamps.seldom",     // footprint.seldom
		"Conn.Peer",                // small
		"Conn.Local",               // small
		"Conn.Protocol",            // small
		"Conn.TLS",                 // small
		"Conn.Backoff.Error",       // small
		"Conn.Faults",              // one for each fault that can be switched on
		"Conn.failure",             // small
		"Conn.recorder",            // shared by all
		"Batch.failure",            // small
		"Batch.links",              // footprint.links
	}
	var got []string
	for _, typ := range []reflect.Type{reflect.TypeFor[Record](), reflect.TypeFor[Conn](), reflect.TypeFor[Batch]()} {
		got = appendPointers(got, typ.Name(), typ)
	}
	if !slices.Equal(got, want) {
		t.Errorf("fields that point to memory:\n%q\nwant\n%q", got, want)
	}
}

// appendPointers appends the names of the fields below typ that point to memory.
func appendPointers(names []string, name string, typ reflect.Type) []string {
	switch typ.Kind() {
	case reflect.Struct:
		if strings.HasPrefix(typ.Name(), "Pointer[") {
			return append(names, name)
		}
		for field := range typ.NumField() {
			f := typ.Field(field)
			names = appendPointers(names, name+"."+f.Name, f.Type)
		}
	case reflect.Array:
		return appendPointers(names, name, typ.Elem())
	case reflect.Pointer, reflect.Slice, reflect.String, reflect.Map, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return append(names, name)
	}
	return names
}

// A record that has all that a record can have takes about as much from the heap as
// recordBytes says. The allocator rounds up.
func TestRecordBytesIsWhatARecordTakes(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	const n = 500
	long := string(make([]byte, 1<<10))
	var before, after runtime.MemStats
	records := make([]*Record, n)
	runtime.ReadMemStats(&before)
	for i := range records {
		r := rc.Start(rc.NewConn("p", "l"), 1, Now())
		for _, s := range []stages.Stage{oftenStages[0], writeStages[0], seldomStages[0]} {
			r.Begin(s)
		}
		r.SetSave(NewBatch(stages.WALSave, len(footprint{}.links)))
		r.Facts().Method = strings.Clone(long[:maxMethod])
		r.SetCode(12, strings.Clone(long[:maxMessage]))
		records[i] = r
	}
	runtime.ReadMemStats(&after)
	each := int64(after.TotalAlloc-before.TotalAlloc) / n
	t.Logf("%d bytes for each record, recordBytes = %d", each, recordBytes)
	if each < recordBytes*95/100 || each > recordBytes*115/100 {
		t.Errorf("%d bytes for each record, recordBytes = %d", each, recordBytes)
	}
	runtime.KeepAlive(records)
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
	tracetest.Close(t, rc)
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
	rc := NewRecorder(Options{MemoryBytes: minMemoryBytes})
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
		finish(rc, time.Second) // pushes out the others, also from among the slowest
	}
	tracetest.Close(t, rc)
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
	finish(rc, 1)
	<-entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := rc.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	close(release)
	tracetest.Close(t, rc)
}

func TestPartsStayWithinTheMemoryBound(t *testing.T) {
	rc := NewRecorder(Options{MemoryBytes: minMemoryBytes})
	for range 4 * len(rc.ring) {
		r := rc.Start(nil, 0, Now())
		for range 3 {
			part := rc.Start(nil, 0, Now())
			part.Repeat(stages.RecvMsg, 1, 2)
			r.Embed(part, stages.V3Lock)
			part.Done(AllEvents)
		}
		r.Done(AllEvents)
	}
	kept := make(map[*Record]bool)
	keep := func(r *Record) bool {
		kept[r] = true
		parts, _ := r.parts()
		for _, part := range parts {
			kept[part.rec] = true
		}
		return true
	}
	for i := range rc.ring {
		keep(rc.ring[i].Load())
	}
	rc.slowest.each(keep)
	if most := len(rc.ring) + trace.MaxEmbedded + rc.limit.slowest + rc.limit.slowStreams; len(kept) > most {
		t.Errorf("%d records are kept, bound %d", len(kept), most)
	}
	for range 2 * len(rc.ring) {
		finish(rc, 1<<40)
	}
	tracetest.Close(t, rc)
	if s := rc.Stats(); s.Live != 0 || rc.extra.Load() != 0 || s.MemoryUsed > s.MemoryBound {
		t.Errorf("%d bytes are still reserved; stats: %+v", rc.extra.Load(), s)
	}
}
