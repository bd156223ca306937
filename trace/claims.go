package trace

import (
	"cmp"
	"math"
	"slices"

	"glasskv/trace/stages"
)

// A claim is a stage's say over a piece of the request's time. Stages overlap: the
// handler is still inside Propose while the entry is already being saved. At each moment,
// the claim with the highest rank wins, that of the stage furthest along the path:
//
//	time ──────────────────────────────────────────────────────────►
//	v3rpc.Put      ├───────────────────────────────────────────────┤
//	ProcessOnce        ├───┬┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┤      ┈ waits: claimed as unexplained
//	raft.propose           ├──────────┤
//	wal.save                     ├──────────────┤
//	wal.sync                         ├──────────┤
//	               ├───┼───┼─────┼───┼──────────┼─────────────┼────┤
//	ledger          Put  PO propose save  sync     unexplained   Put
type claim struct {
	name       string // the stage's, or Unexplained
	rank       rank
	begin, end int64
}

// rank says how far along the path a claim's stage is. Two stages of one rank are
// stages of one name; the claim that began first wins then.
type rank struct {
	stage  stages.Stage // NumStages for a span that the catalogue does not know
	within int          // orders what has the same stage
}

// compare returns -1, 0 or +1 as cmp.Compare does: the higher rank wins.
func (r rank) compare(other rank) int {
	return cmp.Or(cmp.Compare(r.stage, other.stage), cmp.Compare(r.within, other.within))
}

// never is a moment after every request's end.
const never = math.MaxInt64

// claimant works out what the stages of one timeline claim.
type claimant struct {
	rows     []StageTime
	duration int64
	tree     tree
	left     []int64 // for each row: when the request had left it
	first    []int64 // for each row: when its first child began; never if it has no children
	failed   int64   // when a save had failed; never if no save did
	claims   []claim
}

// claimsOf returns what each row claims of the time from 0 to duration, in the order in
// which the claims begin. No claim is empty, and none reaches beyond the duration. Stages
// without a kind of time, such as a connection's life, claim nothing.
func claimsOf(rows []StageTime, parts []Part, duration int64) []claim {
	c := claimant{
		rows: rows, duration: duration, tree: treeOf(rows, parts), failed: never,
		left: make([]int64, len(rows)), first: make([]int64, len(rows)), claims: make([]claim, 0, len(rows)+4),
	}
	for i := range rows {
		c.first[i] = never
	}
	for _, i := range c.tree.order { // parents first
		c.leave(i)
		c.meetChild(i)
		c.noteFailure(i)
	}
	for i := range rows {
		c.claimRow(i)
	}
	c.claimFolded()
	slices.SortStableFunc(c.claims, func(a, b claim) int { return cmp.Compare(a.begin, b.begin) })
	return c.claims
}

// leave works out when the request had left a row: at its end, or at that of a stage
// around it. A save goes on for the others when one of its requests gives up. Spans that
// the catalogue does not know may outlive their parents.
func (c *claimant) leave(i int) {
	c.left[i] = c.rows[i].EndNS
	if above := c.tree.parent[i]; above >= 0 && c.rows[i].known() != stages.None {
		c.left[i] = min(c.left[i], c.left[above])
	}
}

// meetChild notes for a row's parent when the row began, unless the row began before the
// parent.
func (c *claimant) meetChild(i int) {
	above := c.tree.parent[i]
	if above < 0 || c.rows[i].BeginNS < c.rows[above].BeginNS {
		return
	}
	c.first[above] = min(c.first[above], max(0, c.rows[i].BeginNS))
}

// noteFailure notes when a save had failed. What the proposer waits for from then
// on is the server's end, and nothing else: its wait has a name again.
func (c *claimant) noteFailure(i int) {
	if st := &c.rows[i]; st.known() == stages.WALSave && st.Attributes[AttrFailure] != "" {
		c.failed = st.EndNS
	}
}

// claimRow adds the claim of a row. A stage that mostly waits for its children names
// what it does until the first of them begins; from then on it claims its time as
// unexplained, because a wait does not say what it waited for.
func (c *claimant) claimRow(i int) {
	st, s := &c.rows[i], c.rows[i].known()
	if s != stages.None && stages.SpecOf(s).Kind == stages.KindNone || st.folded() {
		return
	}
	r, begin, end := c.rank(i), max(0, st.BeginNS), min(c.duration, c.left[i])
	if first := c.first[i]; s != stages.None && stages.SpecOf(s).Waits && first < end {
		waited := end
		if s == stages.ProcessOnce && c.failed < end {
			waited = max(begin, first, c.failed)
			c.add(st.Stage, r, waited, end)
		}
		c.add(Unexplained, r, max(begin, first), waited)
		end = first
	}
	c.add(st.Stage, r, begin, end)
}

// claimFolded adds the claims of the rows that stand for many stretches which were not
// kept, see record.Record.Repeat. It is known how long those took, and between which two
// moments, but not when each of them was. So each row claims as much time as they took:
// the row furthest along the path first, the others after it.
func (c *claimant) claimFolded() {
	var folded []int
	for i := range c.rows {
		if c.rows[i].folded() {
			folded = append(folded, i)
		}
	}
	slices.SortStableFunc(folded, func(a, b int) int { return c.rank(b).compare(c.rank(a)) })
	var claimed int64 // the time claimed so far, by rows further along the path
	for _, i := range folded {
		st := &c.rows[i]
		begin := max(0, st.BeginNS)
		claimed += min(st.Took(), st.Duration())
		c.add(st.Stage, c.rank(i), begin, min(c.duration, c.left[i], begin+claimed))
	}
}

// add appends a claim unless it is empty.
func (c *claimant) add(name string, r rank, begin, end int64) {
	if begin < end {
		c.claims = append(c.claims, claim{name, r, begin, end})
	}
}

// rank returns how far along the path a row is. Inside a handler, receiving a message
// ranks above the handler itself, and decoding the message above receiving it. Of two
// spans that the catalogue does not know, the deeper one ranks higher.
func (c *claimant) rank(i int) rank {
	switch s := c.rows[i].known(); {
	case s == stages.None:
		return rank{stages.NumStages, c.tree.depth[i]}
	case s == stages.RecvMsg && c.inHandler(i):
		return rank{stages.GRPCHandler, 1}
	case s == stages.CodecDecode && c.tree.parent[i] >= 0 && c.inHandler(c.tree.parent[i]):
		return rank{stages.GRPCHandler, 2}
	default:
		return rank{stage: s}
	}
}

// inHandler reports whether a row lies directly in a handler.
func (c *claimant) inHandler(i int) bool {
	above := c.tree.parent[i]
	return above >= 0 && stages.IsHandler(c.rows[above].known())
}
