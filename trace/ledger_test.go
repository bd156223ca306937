package trace

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// seeds runs f with generators that differ, and names the one that fails.
func seeds(t *testing.T, n int, f func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	for seed := range n {
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			f(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		})
		if !ok {
			return
		}
	}
}

// anyTimeline has stages in no sensible order: known and unknown ones, within
// the request and beyond it, inside each other in circles.
func anyTimeline(rng *rand.Rand) *Timeline {
	t := &Timeline{DurationNS: rng.Int64N(1000)}
	names := []string{"", "a", "b", "c", "db.query", "not there"}
	for _, s := range []Stage{ServeStreams, HandleStream, ProcessOnce, RaftPropose, WALSave, WALSync, ApplyEntry, Flush} {
		names = append(names, s.String())
	}
	for range rng.IntN(30) {
		begin := rng.Int64N(1400) - 200
		t.Stages = append(t.Stages, StageTime{
			Stage: names[1+rng.IntN(len(names)-1)], Parent: names[rng.IntN(len(names))],
			BeginNS: begin, EndNS: begin + rng.Int64N(600),
		})
	}
	return t
}

// checkLedger is the promise of the ledger.
func checkLedger(t *testing.T, tl *Timeline) {
	t.Helper()
	var at, explained int64
	for i, row := range tl.Ledger {
		if row.BeginNS != at || row.EndNS <= row.BeginNS {
			t.Fatalf("row %d (%s) is %d…%d after %d", i, row.Stage, row.BeginNS, row.EndNS, at)
		}
		at = row.EndNS
		if row.Stage != Unexplained {
			explained += row.EndNS - row.BeginNS
		}
	}
	if at != max(0, tl.DurationNS) {
		t.Fatalf("the rows end at %d of %d", at, tl.DurationNS)
	}
	if explained != tl.ExplainedNS || tl.Explained < 0 || tl.Explained > 1 {
		t.Fatalf("explained %d (%f), the rows say %d", tl.ExplainedNS, tl.Explained, explained)
	}
}

func TestTheLedgerTilesTheDuration(t *testing.T) {
	seeds(t, 300, func(t *testing.T, rng *rand.Rand) {
		tl := anyTimeline(rng)
		FillLedger(tl)
		checkLedger(t, tl)
	})
}

func TestEveryMomentBelongsToTheStageFurthestAlong(t *testing.T) {
	seeds(t, 300, func(t *testing.T, rng *rand.Rand) {
		tl := anyTimeline(rng)
		FillLedger(tl)
		claims := claimsOf(tl.Stages, nil, tl.DurationNS)
		for _, row := range tl.Ledger {
			for now := row.BeginNS; now < row.EndNS; now++ {
				best, want := -1, Unexplained
				for _, c := range claims {
					if c.rank > best && c.begin <= now && now < c.end {
						best, want = c.rank, c.name
					}
				}
				if want != row.Stage {
					t.Fatalf("at %d the ledger says %s, the claims %s", now, row.Stage, want)
				}
			}
		}
	})
}

func TestAWaitThatNamesNothingIsUnexplained(t *testing.T) {
	tl := &Timeline{DurationNS: 100, Stages: []StageTime{
		{Stage: ProcessOnce.String(), BeginNS: 10, EndNS: 90},
		{Stage: RaftPropose.String(), Parent: ProcessOnce.String(), BeginNS: 20, EndNS: 30},
		{Stage: WALSave.String(), Parent: ProcessOnce.String(), BeginNS: 40, EndNS: 80},
	}}
	FillLedger(tl)
	want := []LedgerRow{
		{Unexplained, 0, 10},
		{ProcessOnce.String(), 10, 20}, // its own work, before it began to wait
		{RaftPropose.String(), 20, 30},
		{Unexplained, 30, 40},
		{WALSave.String(), 40, 80},
		{Unexplained, 80, 100},
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
	if raceEnabled {
		n = 10_000
	}
	for name, stage := range map[string]func(i int) StageTime{
		"one inside the other": func(i int) StageTime {
			return StageTime{Stage: fmt.Sprint(i), Parent: fmt.Sprint(i - 1), BeginNS: int64(i), EndNS: int64(2*n - i)}
		},
		"in a circle": func(i int) StageTime {
			return StageTime{Stage: fmt.Sprint(i), Parent: fmt.Sprint((i + 1) % n), BeginNS: int64(i), EndNS: int64(i) + 5}
		},
		"all of them waiting": func(i int) StageTime {
			return StageTime{Stage: ProcessOnce.String(), Parent: ProcessOnce.String(), BeginNS: int64(i), EndNS: int64(2 * n)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			tl := &Timeline{DurationNS: int64(2 * n)}
			for i := range n {
				tl.Stages = append(tl.Stages, stage(i))
			}
			begun := time.Now()
			FillLedger(tl)
			checkLedger(t, tl)
			if took := time.Since(begun); took > 20*time.Second {
				t.Fatalf("took %v", took)
			}
		})
	}
}
