package trace

import (
	"testing"
)

func TestAHoldIsARowOfItsOwnAndNobodyElsesTime(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	r, _ := pausedPut(rc)
	r.Done(allEvents)
	tl := r.Timeline()
	checkLedger(t, tl)
	if got := tl.Waited()["seam.hold"]; got != 2000 {
		t.Errorf("held for %d ns in the ledger, want 2000", got)
	}
	hold := tl.Stage("seam.hold")
	if hold.Parent != ProcessOnce.String() || hold.BeginNS != 500 || hold.EndNS != 2500 || hold.Open {
		t.Errorf("the row is %+v", hold)
	}
	for key, want := range map[string]string{AttrAt: "raft.propose", AttrWhy: WhyBreakpoint, AttrEnded: EndedContinued} {
		if hold.Attributes[key] != want {
			t.Errorf("%s = %q, want %q", key, hold.Attributes[key], want)
		}
	}
}

func TestAHoldThatIsNotOverStandsThereOpen(t *testing.T) {
	rc := NewRecorder(Options{})
	defer closeRecorder(t, rc)
	begin := Now()
	r := rc.Start(nil, 1, begin)
	r.BeginAt(V3Put, begin)
	resume := r.Pause(Hold, begin+10, Pause{At: RaftRequest, Why: WhyStep, SharedBy: 3})
	hold := r.Timeline().Stage("seam.hold")
	if hold == nil || !hold.Open || hold.SharedBy != 3 || hold.Attributes[AttrEnded] != "" {
		t.Fatalf("while it is held: %+v", hold)
	}
	// The client gives up: the record is finished first, and the hold ends later.
	r.BeginAt(Flush, begin+50)
	r.EndAt(Flush, begin+60)
	r.Done(allEvents)
	resume(begin+100, EndedGone)
	tl := r.Timeline()
	if hold := tl.Stage("seam.hold"); hold.Open || hold.EndNS != 100 || hold.Attributes[AttrEnded] != EndedGone {
		t.Errorf("when it is over: %+v", hold)
	}
	checkLedger(t, tl)
}

func TestHeldTimeIsTakenOutOfTheHistograms(t *testing.T) {
	rc := NewRecorder(Options{})
	r, _ := pausedPut(rc)
	r.Done(allEvents)
	closeRecorder(t, rc)
	sums := map[Stage]int64{}
	for _, h := range rc.Histograms() {
		sums[h.Stage] = h.SumNS
	}
	for s, want := range map[Stage]int64{ProcessOnce: 1000, V3Put: 1000, RaftPropose: 500, Hold: 2000} {
		if sums[s] != want {
			t.Errorf("%s adds up to %d ns, want %d", s, sums[s], want)
		}
	}
}

func TestWithoutLeavesOutWhatOverlaps(t *testing.T) {
	for _, c := range []struct {
		others []stretch
		want   int64
	}{
		{nil, 100},
		{[]stretch{{110, 120}}, 90},
		{[]stretch{{0, 150}}, 50},
		{[]stretch{{150, 300}}, 50},
		{[]stretch{{0, 300}}, 0},
		{[]stretch{{110, 140}, {120, 130}, {135, 150}}, 60},
		{[]stretch{{0, 50}, {250, 300}}, 100},
	} {
		if got := without(100, 200, c.others); got != c.want {
			t.Errorf("without %v: %d, want %d", c.others, got, c.want)
		}
	}
}
