package trace

import (
	"container/heap"
	"slices"
)

// FillLedger sets t.Ledger, t.ExplainedNS and t.Explained from t.Stages: which stage the
// request was waiting in at every moment of its duration.
//
// The rows tile 0 … DurationNS: each begins where the previous one ends, and no row is
// empty. At each moment the stage furthest along the path counts, see claim. Time that no
// stage covers, or that a waiting stage cannot name, is Unexplained.
func FillLedger(t *Timeline) {
	t.Ledger = tile(t.Stages, t.Parts, t.DurationNS)
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

// tile cuts the duration wherever a claim begins or ends, and gives each piece to the
// claim of the highest rank that covers it. It goes over the claims once, with those that
// have begun in a heap: a file may contain a timeline of a hundred thousand spans.
func tile(rows []StageTime, parts []Part, duration int64) []LedgerRow {
	if duration <= 0 {
		return nil
	}
	claims := claimsOf(rows, parts, duration)
	cuts := make([]int64, 0, 2*len(claims)+2)
	cuts = append(cuts, 0, duration)
	for _, c := range claims {
		cuts = append(cuts, c.begin, c.end)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	var ledger []LedgerRow
	current := underWay{claims: claims}
	for i := 0; i+1 < len(cuts); i++ {
		name := current.at(cuts[i])
		if n := len(ledger); n > 0 && ledger[n-1].Stage == name {
			ledger[n-1].EndNS = cuts[i+1]
			continue
		}
		ledger = append(ledger, LedgerRow{name, cuts[i], cuts[i+1]})
	}
	return ledger
}

// underWay is a heap of the claims that have begun, the highest rank on top. A claim that
// has ended is removed when it comes to the top.
type underWay struct {
	claims []claim // in the order in which they begin
	next   int     // the first that has not begun
	heap   []int   // indices of claims
}

// at returns the name of the claim that wins at the moment now, or Unexplained. From one
// call to the next, now must not decrease.
func (u *underWay) at(now int64) string {
	for ; u.next < len(u.claims) && u.claims[u.next].begin <= now; u.next++ {
		heap.Push(u, u.next)
	}
	for len(u.heap) > 0 && u.claims[u.heap[0]].end <= now {
		heap.Pop(u)
	}
	if len(u.heap) == 0 {
		return Unexplained
	}
	return u.claims[u.heap[0]].name
}

// The methods that container/heap needs. Of two claims of equal rank, the one that began
// first is on top.

func (u *underWay) Len() int      { return len(u.heap) }
func (u *underWay) Swap(i, j int) { u.heap[i], u.heap[j] = u.heap[j], u.heap[i] }
func (u *underWay) Push(x any)    { u.heap = append(u.heap, x.(int)) }

func (u *underWay) Less(i, j int) bool {
	a, b := u.heap[i], u.heap[j]
	if higher := u.claims[a].rank.compare(u.claims[b].rank); higher != 0 {
		return higher > 0
	}
	return a < b
}

// Pop takes the last item off.
func (u *underWay) Pop() any {
	last := u.heap[len(u.heap)-1]
	u.heap = u.heap[:len(u.heap)-1]
	return last
}

// Unexplained is the ledger's name for time that no stage accounts for.
const Unexplained = "unexplained"
