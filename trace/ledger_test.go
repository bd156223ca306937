package trace_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// anyTimeline has stages in no sensible order: known and unknown ones, within
// the request and beyond it, inside each other in circles.
func anyTimeline(rng *rand.Rand) *trace.Timeline {
	t := &trace.Timeline{DurationNS: rng.Int64N(1000)}
	names := []string{"", "a", "b", "c", "db.query", "not there"}
	for _, s := range []stages.Stage{stages.ServeStreams, stages.HandleStream, stages.ProcessOnce, stages.RaftPropose, stages.WALSave, stages.WALSync, stages.ApplyEntry, stages.Flush} {
		names = append(names, s.String())
	}
	for range rng.IntN(30) {
		begin := rng.Int64N(1400) - 200
		t.Stages = append(t.Stages, trace.StageTime{
			Stage: names[1+rng.IntN(len(names)-1)], Parent: names[rng.IntN(len(names))],
			BeginNS: begin, EndNS: begin + rng.Int64N(600),
		})
	}
	return t
}

func TestTheLedgerTilesTheDuration(t *testing.T) {
	tracetest.Seeds(t, 300, func(t *testing.T, rng *rand.Rand) {
		tl := anyTimeline(rng)
		trace.FillLedger(tl)
		tracetest.CheckLedger(t, tl)
	})
}

func TestAWaitThatNamesNothingIsUnexplained(t *testing.T) {
	tl := &trace.Timeline{DurationNS: 100, Stages: []trace.StageTime{
		{Stage: stages.ProcessOnce.String(), BeginNS: 10, EndNS: 90},
		{Stage: stages.RaftPropose.String(), Parent: stages.ProcessOnce.String(), BeginNS: 20, EndNS: 30},
		{Stage: stages.WALSave.String(), Parent: stages.ProcessOnce.String(), BeginNS: 40, EndNS: 80},
	}}
	trace.FillLedger(tl)
	want := []trace.LedgerRow{
		{trace.Unexplained, 0, 10},
		{stages.ProcessOnce.String(), 10, 20}, // its own work, before it began to wait
		{stages.RaftPropose.String(), 20, 30},
		{trace.Unexplained, 30, 40},
		{stages.WALSave.String(), 40, 80},
		{trace.Unexplained, 80, 100},
	}
	if len(tl.Ledger) != len(want) {
		t.Fatalf("got %v", tl.Ledger)
	}
	for i := range want {
		if tl.Ledger[i] != want[i] {
			t.Fatalf("row %d is %v, want %v", i, tl.Ledger[i], want[i])
		}
	}
	if tl.ExplainedNS != 60 {
		t.Fatalf("explained %d", tl.ExplainedNS)
	}
}

func TestAHundredThousandSpansAreTiledInTime(t *testing.T) {
	n := 100_000
	if tracetest.RaceEnabled {
		n = 10_000
	}
	for name, stage := range map[string]func(i int) trace.StageTime{
		"one inside the other": func(i int) trace.StageTime {
			return trace.StageTime{Stage: fmt.Sprint(i), Parent: fmt.Sprint(i - 1), BeginNS: int64(i), EndNS: int64(2*n - i)}
		},
		"in a circle": func(i int) trace.StageTime {
			return trace.StageTime{Stage: fmt.Sprint(i), Parent: fmt.Sprint((i + 1) % n), BeginNS: int64(i), EndNS: int64(i) + 5}
		},
		"all of them waiting": func(i int) trace.StageTime {
			return trace.StageTime{Stage: stages.ProcessOnce.String(), Parent: stages.ProcessOnce.String(), BeginNS: int64(i), EndNS: int64(2 * n)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tl := &trace.Timeline{DurationNS: int64(2 * n)}
			for i := range n {
				tl.Stages = append(tl.Stages, stage(i))
			}
			begun := time.Now()
			trace.FillLedger(tl)
			tracetest.CheckLedger(t, tl)
			if took := time.Since(begun); took > 20*time.Second {
				t.Fatalf("took %v", took)
			}
		})
	}
}
