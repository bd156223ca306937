package trace

import (
	"cmp"
	"container/heap"
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

// tile cuts the duration wherever a claim begins or ends and gives each piece to
// the claim of the highest rank that covers it. A file may bring a timeline of a
// hundred thousand spans, so it goes over the claims once, with those under way
// in a heap.
func tile(stages []StageTime, duration int64) []LedgerRow {
	if duration <= 0 {
		return nil
	}
	claims := claimsOf(stages, duration)
	cuts := make([]int64, 0, 2*len(claims)+2)
	cuts = append(cuts, 0, duration)
	for _, c := range claims {
		cuts = append(cuts, c.begin, c.end)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	var rows []LedgerRow
	current := underWay{claims: claims}
	for i := 0; i+1 < len(cuts); i++ {
		name := current.at(cuts[i])
		if n := len(rows); n > 0 && rows[n-1].Stage == name {
			rows[n-1].EndNS = cuts[i+1]
			continue
		}
		rows = append(rows, LedgerRow{name, cuts[i], cuts[i+1]})
	}
	return rows
}

// underWay holds the claims that have begun, the highest rank on top. Those that
// have ended are taken out when they come to the top.
type underWay struct {
	claims []claim // in the order of their begins
	next   int     // the first that has not begun
	heap   []int   // indices of claims
}

// at names who holds the piece that begins at that time. Times must not go back.
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

// The methods that container/heap asks for. Of equal ranks the one that began
// first counts.

func (u *underWay) Len() int      { return len(u.heap) }
func (u *underWay) Swap(i, j int) { u.heap[i], u.heap[j] = u.heap[j], u.heap[i] }
func (u *underWay) Push(x any)    { u.heap = append(u.heap, x.(int)) }

func (u *underWay) Less(i, j int) bool {
	a, b := u.heap[i], u.heap[j]
	if u.claims[a].rank != u.claims[b].rank {
		return u.claims[a].rank > u.claims[b].rank
	}
	return a < b
}

// Pop takes the last item off.
func (u *underWay) Pop() any {
	last := u.heap[len(u.heap)-1]
	u.heap = u.heap[:len(u.heap)-1]
	return last
}

// claimsOf clips every stage to the request's duration and ranks it. Stages
// without a kind of time (a connection's life) claim nothing.
func claimsOf(stages []StageTime, duration int64) []claim {
	depth, waiting, outer := depthOf(stages), childrenOfWaits(stages), knownStages(stages)
	claims := make([]claim, 0, len(stages)+4)
	for i := range stages {
		st := &stages[i]
		spec := specFor(st.Stage)
		var rank int
		switch {
		case spec == nil: // a foreign span: the deeper one knows better
			rank = int(NumStages) + depth(i)
		case spec.Kind == KindNone:
			continue
		default:
			rank = int(spec.Stage)
		}
		c := claim{st.Stage, rank, max(0, st.BeginNS), min(duration, outer.left(st))}
		if spec != nil && spec.Waits {
			if first := firstFrom(waiting[st.Stage], st.BeginNS, st.EndNS); first < c.end {
				blind := claim{Unexplained, rank, max(c.begin, first), c.end}
				if blind.begin < blind.end {
					claims = append(claims, blind)
				}
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

// enclosing tells of each stage of the catalogue that a timeline has what it lies
// in and when the last of its rows ended.
type enclosing map[string]struct {
	parent string
	end    int64
}

func knownStages(stages []StageTime) enclosing {
	all := make(enclosing, NumStages)
	for i := range stages {
		if st := &stages[i]; specFor(st.Stage) != nil {
			row := all[st.Stage]
			row.parent, row.end = st.Parent, max(row.end, st.EndNS)
			all[st.Stage] = row
		}
	}
	return all
}

// left returns when a request had left a stage: at its end, or at that of a stage
// around it. A save goes on for the others when one of its requests gives up.
// Spans that the catalogue does not know may outlive what they lie in.
func (e enclosing) left(st *StageTime) int64 {
	end, name := st.EndNS, st.Parent
	if specFor(st.Stage) == nil {
		return end
	}
	for range NumStages { // a file may have them in a circle
		outer, known := e[name]
		if !known {
			break
		}
		end, name = min(end, outer.end), outer.parent
	}
	return end
}

func specFor(name string) *Spec {
	s, ok := StageByName(name)
	if !ok {
		return nil
	}
	return SpecOf(s)
}

// childrenOfWaits lists, for each stage that mostly waits for its children, when
// those began, in order.
func childrenOfWaits(stages []StageTime) map[string][]int64 {
	var begins map[string][]int64
	for i := range stages {
		if spec := specFor(stages[i].Parent); spec == nil || !spec.Waits {
			continue
		}
		if begins == nil {
			begins = make(map[string][]int64)
		}
		begins[stages[i].Parent] = append(begins[stages[i].Parent], stages[i].BeginNS)
	}
	for _, of := range begins {
		slices.Sort(of)
	}
	return begins
}

// firstFrom returns the first of the begins that is not before from; end if
// there is none before that.
func firstFrom(begins []int64, from, end int64) int64 {
	if i, _ := slices.BinarySearch(begins, from); i < len(begins) {
		return min(begins[i], end)
	}
	return end
}

// depthOf returns a function that counts a stage's ancestors, each stage's once.
// A circle of parents ends the count.
func depthOf(stages []StageTime) func(i int) int {
	var byName map[string]int // the last row of each name; made when first needed
	known := []int(nil)       // depth + 1; zero is "not counted yet"
	return func(i int) int {
		if byName == nil {
			byName, known = make(map[string]int, len(stages)), make([]int, len(stages))
			for j := range stages {
				byName[stages[j].Stage] = j
			}
		}
		return countAncestors(stages, byName, known, i)
	}
}

// underCount marks a stage whose ancestors are being counted.
const underCount = -1

func countAncestors(stages []StageTime, byName map[string]int, known []int, i int) int {
	var way []int
	depth := 0
	for at := i; ; {
		if known[at] != 0 {
			depth = max(0, known[at]) // in a circle it begins at nothing
			break
		}
		known[at] = underCount
		way = append(way, at)
		parent, ok := byName[stages[at].Parent]
		if stages[at].Parent == "" || !ok {
			break
		}
		at = parent
	}
	for j := len(way) - 1; j >= 0; j-- {
		known[way[j]] = depth + 1
		depth++
	}
	return known[i] - 1
}
