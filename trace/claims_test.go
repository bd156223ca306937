package trace

import (
	"math/rand/v2"
	"testing"

	"glasskv/trace/stages"
)

func someTimeline(rng *rand.Rand) *Timeline {
	t := &Timeline{DurationNS: rng.Int64N(1000)}
	names := []string{"", "a", "b", "c", "db.query", "not there"}
	for _, s := range []stages.Stage{stages.ServeStreams, stages.HandleStream, stages.ProcessOnce, stages.RaftPropose, stages.WALSave, stages.WALSync, stages.ApplyEntry, stages.Flush} {
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

func TestEveryMomentBelongsToTheStageFurthestAlong(t *testing.T) {
	for seed := range uint64(300) {
		tl := someTimeline(rand.New(rand.NewPCG(seed, 2)))
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
					t.Fatalf("seed %d: at %d the ledger says %s, the claims %s", seed, now, row.Stage, want)
				}
			}
		}
	}
}
