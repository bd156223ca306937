package record

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

func TestARequestThatIsNotRecordedMayBeUsedLikeAnyOther(t *testing.T) {
	var r *Record
	r.Begin(stages.Flush)
	r.End(stages.Flush)
	r.Repeat(stages.RecvMsg, 1, 2)
	r.Mark(MarkReset)
	r.SetKey([]byte("k"))
	r.SetCode(1, "m")
	r.AddIn(1)
	r.AddOut(1)
	r.SetRequestID(1)
	r.SetSave(NewBatch(stages.WALSave, 1))
	r.SetRound(NewBatch(stages.ReadIndex, 1))
	r.SetBehind(1)
	r.Facts().Method = "/a/B"
	r.SetEnd(1)
	r.Pause(stages.Hold, 1, Pause{})(2, "")
	r.Done(AllEvents)
	if r.Embed(new(Record), stages.V3Lock) || r.Outermost() != nil || r.Key() != "" || r.HasKeyPrefix(nil) {
		t.Error("it is part of something, or has a key")
	}
	if r.Has(MarkReset) || r.Finished() || r.RequestID() != 0 || r.StreamID() != 0 || r.Conn() != nil || r.Adopt("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") {
		t.Error("it kept something")
	}
	if begin, end := r.Stamps(stages.Flush); begin != 0 || end != 0 {
		t.Error("it kept a stamp")
	}
}

func TestTheFirstBeginAndTheLastEndCount(t *testing.T) {
	r := new(Record)
	r.BeginAt(stages.RecvMsg, 10)
	r.EndAt(stages.RecvMsg, 20)
	r.BeginAt(stages.RecvMsg, 30)
	r.EndAt(stages.RecvMsg, 40)
	if begin, end := r.Stamps(stages.RecvMsg); begin != 10 || end != 40 {
		t.Fatalf("%d…%d", begin, end)
	}
}

func TestARecordIsFinishedOnceInWhateverOrder(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	const n = 2000
	for range n {
		r := rc.Start(nil, 1, Now())
		var all sync.WaitGroup
		for _, e := range []Event{EventHandled, EventWire, EventRead, EventWire, EventHandled} {
			all.Go(func() { r.Done(e) })
		}
		all.Wait()
		if !r.Finished() {
			t.Fatal("all events came and it is not finished")
		}
	}
	if s := rc.Stats(); s.Finished != n || s.Live != 0 {
		t.Fatalf("stats: %+v", s)
	}
}

// A record that is complete stays complete, whatever comes later, and takes no parts.
func TestACompleteStateStaysComplete(t *testing.T) {
	for _, closed := range []uint32{0, stateClosed} {
		for pending := range uint32(3) {
			for events := range AllEvents + 1 {
				r := new(Record)
				state := uint32(events) | closed | pending*statePending
				r.state.Store(state)
				want := events == AllEvents && (pending == 0 || closed != 0)
				if got := isComplete(state); got != want || r.Events() != events {
					t.Fatalf("state %b: complete is %v, events are %b", state, got, r.Events())
				}
				if took := r.expectPart(); took != (!want && closed == 0) || isComplete(r.state.Load()) != want {
					t.Fatalf("state %b: it takes a part: %v; then it is %b", state, took, r.state.Load())
				}
				for _, later := range []uint32{uint32(AllEvents), stateClosed} {
					if want && !isComplete(state|later) {
						t.Fatalf("state %b is not complete after %b", state, later)
					}
				}
			}
		}
	}
}

func TestKeysAreKeptInPartAndNotAtAllWhenRedacted(t *testing.T) {
	long := bytes.Repeat([]byte("k"), 1000)
	for _, c := range []struct {
		redact         bool
		key            []byte
		ValidUTF8, len string
	}{
		{false, []byte("greeting"), "greeting", "8"},
		{false, long, strings.Repeat("k", MaxKey) + "…", "1000"},
		{true, []byte("greeting"), "", "8"},
	} {
		rc := NewRecorder(Options{Redact: c.redact})
		r := rc.Start(nil, 1, Now())
		r.SetKey(c.key)
		r.Done(AllEvents)
		attrs := r.Timeline().Attributes
		if attrs[trace.AttrKeySize] != c.len || strings.TrimSuffix(attrs[trace.AttrKey], "…") != strings.TrimSuffix(c.ValidUTF8, "…") {
			t.Errorf("redact %v: %v", c.redact, attrs)
		}
		if _, shown := attrs[trace.AttrKey]; shown && c.redact {
			t.Errorf("a redacted key is shown: %v", attrs)
		}
		tracetest.Close(t, rc)
	}
}

func TestTheRecordTravelsInAContext(t *testing.T) {
	r := new(Record)
	ctx := context.WithValue(context.Background(), ContextKey(), r)
	if FromContext(ctx) != r || FromContext(context.Background()) != nil {
		t.Fatal("the record was lost, or found where there is none")
	}
}

func TestAStampTakesNoMemory(t *testing.T) {
	r := new(Record)
	if n := testing.AllocsPerRun(1000, func() { r.Begin(stages.Flush); r.End(stages.Flush) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// BenchmarkStamp is the price of one stamp: read the clock, store it.
func BenchmarkStamp(b *testing.B) {
	r := new(Record)
	for b.Loop() {
		r.End(stages.Flush)
	}
}

// BenchmarkStage is the price of a whole stage: its begin and its end.
func BenchmarkStage(b *testing.B) {
	r := new(Record)
	for b.Loop() {
		r.Begin(stages.Flush)
		r.End(stages.Flush)
	}
}

// BenchmarkNotRecorded is what a request pays that is not recorded.
func BenchmarkNotRecorded(b *testing.B) {
	var r *Record
	for b.Loop() {
		r.Begin(stages.Flush)
		r.End(stages.Flush)
	}
}

// BenchmarkNow is the reading of the clock alone.
func BenchmarkNow(b *testing.B) {
	for b.Loop() {
		_ = Now()
	}
}
