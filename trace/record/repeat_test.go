package record

import (
	"sync"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// watch tells a Watch of that many messages: each waited for 900 and sent for 100.
// The client's next message is waited for all the time.
func watch(rc *Recorder, messages int64) *Record {
	begin := Now()
	r := rc.Start(nil, 1, begin)
	r.Mark(MarkStreaming | MarkTapped | MarkBegun)
	r.BeginAt(stages.OperateHeaders, begin)
	r.EndAt(stages.OperateHeaders, begin+100)
	for _, s := range []stages.Stage{stages.HandleStream, stages.ProcessRPC, stages.Interceptors, stages.V3Watch} {
		r.BeginAt(s, begin+100)
		r.EndAt(s, begin+200+1000*messages)
	}
	r.Repeat(stages.RecvMsg, begin+100, begin+150)
	r.Repeat(stages.WatchCreate, begin+150, begin+200)
	for i := range messages {
		at := begin + 200 + 1000*i
		r.RepeatOf(stages.WatchWait, at, at+900, Detail{})
		r.RepeatOf(stages.WatchSend, at+900, at+1000, Detail{Events: 2, Revision: 10 + i})
	}
	r.Repeat(stages.RecvMsg, begin+150, begin+200+1000*messages)
	r.BeginAt(stages.Flush, begin+200+1000*messages)
	r.EndAt(stages.Flush, begin+300+1000*messages)
	r.Done(AllEvents)
	return r
}

func TestTheFirstAndTheLastMessagesOfAStreamAreKept(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	const messages = 10_000
	tl := watch(rc, messages).Timeline()
	tracetest.CheckLedger(t, tl)
	var sends []trace.StageTime
	count := 0
	for _, st := range tl.Stages {
		if st.Stage == "watch.send" {
			sends = append(sends, st)
			count += max(1, st.Count)
		}
	}
	if count != messages || len(sends) > 2*maxRepeats {
		t.Fatalf("%d messages in %d rows", count, len(sends))
	}
	first, last := sends[0], sends[len(sends)-1]
	if first.Attributes[trace.AttrEvents] != "2" || first.Attributes[trace.AttrEventRevision] != "10" || last.Attributes[trace.AttrEventRevision] != "10009" {
		t.Errorf("the first is %v, the last %v", first.Attributes, last.Attributes)
	}
	if tl.Explained < 0.97 {
		t.Errorf("explained %.3f", tl.Explained)
	}
	// What was folded counts as long as it took, wherever it was.
	waited := tl.Waited()
	for stage, want := range map[string]int64{"watch.wait": 900 * messages, "watch.send": 100 * messages} {
		if off := waited[stage] - want; off < -want/50 || off > want/50 {
			t.Errorf("%s: waited %d, want about %d", stage, waited[stage], want)
		}
	}
}

// However many repeats there are, the first and the last ones are kept in their order,
// and the folds have the others.
func TestKeptAndFoldedRepeatsAddUp(t *testing.T) {
	rs := new(repeats)
	for n := range 5 * maxRepeats {
		var kept []int64
		folded := 0
		rs.each(func(one *repeat) { kept = append(kept, one.begin) }, func(f *fold) { folded += f.n })
		if rs.n != n || len(kept)+folded != n || len(kept) != min(n, 2*maxRepeats) {
			t.Fatalf("after %d: %d kept and %d folded", n, len(kept), folded)
		}
		for i, number := range kept {
			if want := max(0, n-2*maxRepeats); int(number) != i && int(number) != i+want {
				t.Fatalf("after %d: number %d is at %d", n, number, i)
			}
		}
		rs.add(repeat{stage: stages.RecvMsg + stages.Stage(n%2)*(stages.SendMsg-stages.RecvMsg), begin: int64(n), end: int64(n) + 1})
	}
}

func TestReceivingInsideAHandlerCountsBeforeTheHandler(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	begin := Now()
	r := rc.Start(nil, 1, begin)
	r.Mark(MarkStreaming)
	for _, s := range []stages.Stage{stages.ProcessRPC, stages.Interceptors, stages.V3LeaseKeepAlive} {
		r.BeginAt(s, begin)
		r.EndAt(s, begin+1000)
	}
	for i := range int64(2) {
		r.Repeat(stages.RecvMsg, begin+10+500*i, begin+400+500*i)
		r.Repeat(stages.CodecDecode, begin+390+500*i, begin+395+500*i)
		r.Repeat(stages.LeaseRenew, begin+400+500*i, begin+450+500*i)
	}
	r.end.Store(begin + 1000)
	r.Done(AllEvents)
	tl := r.Timeline()
	tracetest.CheckLedger(t, tl)
	waited := tl.Waited()
	for stage, want := range map[string]int64{"grpc.recvMsg": 770, "codec.decode": 10, "lease.renew": 100} {
		if waited[stage] != want {
			t.Errorf("%s: waited %d, want %d", stage, waited[stage], want)
		}
	}
	if st := tl.Stage("grpc.recvMsg"); st.Parent != "v3rpc.LeaseKeepAlive" {
		t.Errorf("it lies in %s", st.Parent)
	}
}

func TestMessagesMayBeStampedByManyGoroutines(t *testing.T) {
	rc := NewRecorder(Options{})
	defer tracetest.Close(t, rc)
	r := rc.Start(nil, 1, Now())
	const each = 500
	stages := []stages.Stage{stages.RecvMsg, stages.SendMsg, stages.CodecDecode, stages.CodecEncode}
	var all sync.WaitGroup
	for _, s := range stages {
		all.Go(func() {
			for range each {
				now := Now()
				r.Repeat(s, now, now+1)
				r.Timeline()
			}
		})
	}
	all.Wait()
	r.Done(AllEvents)
	count := make(map[string]int)
	for _, st := range r.Timeline().Stages {
		count[st.Stage] += max(1, st.Count)
	}
	for _, s := range stages {
		if count[s.String()] != each {
			t.Errorf("%s: %d of %d", s, count[s.String()], each)
		}
	}
}

func TestWithoutLeavesOutWhatOverlaps(t *testing.T) {
	for _, c := range []struct {
		others []period
		want   int64
	}{
		{nil, 100},
		{[]period{{110, 120}}, 90},
		{[]period{{0, 150}}, 50},
		{[]period{{150, 300}}, 50},
		{[]period{{0, 300}}, 0},
		{[]period{{110, 140}, {120, 130}, {135, 150}}, 60},
		{[]period{{0, 50}, {250, 300}}, 100},
	} {
		if got := lengthWithout(100, 200, c.others); got != c.want {
			t.Errorf("without %v: %d, want %d", c.others, got, c.want)
		}
	}
}
