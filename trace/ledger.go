package trace

import (
	"cmp"
	"slices"
)

// FillLedger works out which stage the request was waiting in at every moment
// of its duration and writes the rows into t.Ledger, with the sums beside them.
//
// The rows tile 0 … DurationNS: they touch, they do not overlap, none is empty.
// Of the stages under way at a moment the one furthest along the path counts.
// What no stage covers, and what a waiting stage cannot name, is Unexplained.
func FillLedger(t *Timeline) {
	t.Ledger = tile(t.Stages, t.DurationNS)
	t.ExplainedNS = 0
	for _, row := range t.Ledger {
		if row.Stage != Unexplained {
			t.ExplainedNS += row.EndNS - row.BeginNS
		}
	}
	t.Explained = 1
	if t.DurationNS > 0 {
		t.Explained = float64(t.ExplainedNS) / float64(t.DurationNS)
	}
}

// claim is a stage's say over a stretch of time.
type claim struct {
	name       string
	rank       int // the higher rank wins
	begin, end int64
}

func tile(stages []StageTime, duration int64) []LedgerRow {
	if duration <= 0 {
		return nil
	}
	claims := claimsOf(stages, duration)
	cuts := []int64{0, duration}
	for _, c := range claims {
		cuts = append(cuts, c.begin, c.end)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	var rows []LedgerRow
	for i := 0; i+1 < len(cuts); i++ {
		name := holder(claims, cuts[i], cuts[i+1])
		if n := len(rows); n > 0 && rows[n-1].Stage == name {
			rows[n-1].EndNS = cuts[i+1]
			continue
		}
		rows = append(rows, LedgerRow{name, cuts[i], cuts[i+1]})
	}
	return rows
}

// holder names the claim of the highest rank that covers the stretch.
func holder(claims []claim, begin, end int64) string {
	best, name := -1, Unexplained
	for _, c := range claims {
		if c.rank > best && c.begin <= begin && c.end >= end {
			best, name = c.rank, c.name
		}
	}
	return name
}

// claimsOf clips every stage to the request's duration and ranks it. Stages
// without a kind of time (a connection's life) claim nothing.
func claimsOf(stages []StageTime, duration int64) []claim {
	depth := depths(stages)
	claims := make([]claim, 0, len(stages)+4)
	for i := range stages {
		st := &stages[i]
		spec, rank := specFor(st.Stage), 0
		switch {
		case spec == nil: // a foreign span: the deeper one knows better
			rank = int(NumStages) + depth[i]
		case spec.Kind == KindNone:
			continue
		default:
			rank = int(spec.Stage)
		}
		c := claim{st.Stage, rank, max(0, st.BeginNS), min(duration, st.EndNS)}
		if spec != nil && spec.Waits {
			if first := firstChild(stages, st); first < c.end {
				blind := claim{Unexplained, rank, max(c.begin, first), c.end}
				claims = append(claims, blind)
				c.end = first
			}
		}
		if c.begin < c.end {
			claims = append(claims, c)
		}
	}
	slices.SortStableFunc(claims, func(a, b claim) int { return cmp.Compare(a.begin, b.begin) })
	return claims
}

func specFor(name string) *Spec {
	s, ok := StageByName(name)
	if !ok {
		return nil
	}
	return SpecOf(s)
}

// firstChild returns when the first stage inside st began; its end if none did.
func firstChild(stages []StageTime, st *StageTime) int64 {
	first := st.EndNS
	for i := range stages {
		if stages[i].Parent == st.Stage && stages[i].BeginNS >= st.BeginNS {
			first = min(first, stages[i].BeginNS)
		}
	}
	return first
}

// depths counts each stage's ancestors. A circle of parents ends the count.
func depths(stages []StageTime) []int {
	parent := make(map[string]string, len(stages))
	for i := range stages {
		parent[stages[i].Stage] = stages[i].Parent
	}
	out := make([]int, len(stages))
	for i := range stages {
		for p := stages[i].Parent; p != "" && out[i] < len(stages); p = parent[p] {
			out[i]++
		}
	}
	return out
}
