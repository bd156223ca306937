package record_test

import (
	"testing"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

func TestAHoldIsARowOfItsOwnAndNobodyElsesTime(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	r, _ := recordtest.PausedPut(rc)
	r.Done(record.AllEvents)
	tl := r.Timeline()
	tracetest.CheckLedger(t, tl)
	if got := tl.Waited()["seam.hold"]; got != 2000 {
		t.Errorf("held for %d ns in the ledger, want 2000", got)
	}
	hold := tl.Stage("seam.hold")
	if hold.Parent != stages.ProcessOnce.String() || hold.BeginNS != 500 || hold.EndNS != 2500 || hold.Open {
		t.Errorf("the row is %+v", hold)
	}
	for key, want := range map[string]string{trace.AttrAt: "raft.propose", trace.AttrWhy: trace.WhyBreakpoint, trace.AttrEnded: trace.EndedContinued} {
		if hold.Attributes[key] != want {
			t.Errorf("%s = %q, want %q", key, hold.Attributes[key], want)
		}
	}
}

func TestAHoldThatIsNotOverStandsThereOpen(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	begin := record.Now()
	r := rc.Start(nil, 1, begin)
	r.BeginAt(stages.V3Put, begin)
	resume := r.Pause(stages.Hold, begin+10, record.Pause{At: stages.RaftRequest, Why: trace.WhyStep, SharedBy: 3})
	hold := r.Timeline().Stage("seam.hold")
	if hold == nil || !hold.Open || hold.SharedBy != 3 || hold.Attributes[trace.AttrEnded] != "" {
		t.Fatalf("while it is held: %+v", hold)
	}
	// The client gives up: the record is finished first, and the hold ends later.
	r.BeginAt(stages.Flush, begin+50)
	r.EndAt(stages.Flush, begin+60)
	r.Done(record.AllEvents)
	resume(begin+100, trace.EndedGone)
	tl := r.Timeline()
	if hold := tl.Stage("seam.hold"); hold.Open || hold.EndNS != 100 || hold.Attributes[trace.AttrEnded] != trace.EndedGone {
		t.Errorf("when it is over: %+v", hold)
	}
	tracetest.CheckLedger(t, tl)
}

func TestHeldTimeIsTakenOutOfTheHistograms(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	r, _ := recordtest.PausedPut(rc)
	r.Done(record.AllEvents)
	tracetest.Close(t, rc)
	sums := map[stages.Stage]int64{}
	for _, h := range rc.Histograms() {
		sums[h.Stage] = h.SumNS
	}
	for s, want := range map[stages.Stage]int64{stages.ProcessOnce: 1000, stages.V3Put: 1000, stages.RaftPropose: 500, stages.Hold: 2000} {
		if sums[s] != want {
			t.Errorf("%s adds up to %d ns, want %d", s, sums[s], want)
		}
	}
}
