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
				var best *claim
				for i := range claims {
					if c := &claims[i]; c.begin <= now && now < c.end && (best == nil || c.rank.compare(best.rank) > 0) {
						best = c
					}
				}
				want := Unexplained
				if best != nil {
					want = best.name
				}
				if want != row.Stage {
					t.Fatalf("seed %d: at %d the ledger says %s, the claims %s", seed, now, row.Stage, want)
				}
			}
		}
	}
}

// Stages of a file may name each other as parents, in any way. What comes of it is a
// tree: every row is placed, after its parent.
func TestATreeHasNoCycles(t *testing.T) {
	for seed := range uint64(300) {
		tl := someTimeline(rand.New(rand.NewPCG(seed, 3)))
		tree := treeOf(tl.Stages, nil)
		placed := make([]bool, len(tl.Stages))
		for _, i := range tree.order {
			if above := tree.parent[i]; above >= 0 && (!placed[above] || tree.depth[i] != tree.depth[above]+1) {
				t.Fatalf("seed %d: row %d comes before its parent %d, or not right below it", seed, i, above)
			}
			placed[i] = true
		}
		if len(tree.order) != len(tl.Stages) {
			t.Fatalf("seed %d: %d rows of %d are placed", seed, len(tree.order), len(tl.Stages))
		}
	}
}
