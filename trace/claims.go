package trace

import (
	"cmp"
	"slices"

	"glasskv/trace/stages"
)

// claimant works out what the stages claim of a request's time.
type claimant struct {
	stages   []StageTime
	duration int64
	parents  []int
	left     []int64 // when the request had left a stage; see leave
	first    []int64 // of a stage that waits, when its first child began; see firstChild
	failed   int64   // when the log could not be saved; zero where it could
	depths   []int   // of spans that the catalogue does not know; made when first needed
	way      []int   // from a row upwards, while one is looked at
	claims   []claim
}

// claimsOf clips every stage to the request's duration and ranks it. Stages
// without a kind of time (a connection's life) claim nothing.
func claimsOf(stages []StageTime, parts []Part, duration int64) []claim {
	c := claimant{
		stages: stages, duration: duration, parents: parentsOf(stages, parts),
		left: make([]int64, len(stages)), first: make([]int64, len(stages)), claims: make([]claim, 0, len(stages)+4),
	}
	for i := range stages {
		c.left[i] = notLeft
		c.firstChild(i)
		c.noteFailure(i)
	}
	for i := range stages {
		c.claim(i)
	}
	c.folded()
	slices.SortStableFunc(c.claims, func(a, b claim) int { return cmp.Compare(a.begin, b.begin) })
	return c.claims
}

func (c *claimant) claim(i int) {
	st := &c.stages[i]
	s := st.Known()
	if s != stages.None && stages.SpecOf(s).Kind == stages.KindNone || st.folded() {
		return
	}
	one := claim{st.Stage, c.rank(i), max(0, st.BeginNS), min(c.duration, c.leave(i))}
	if first := c.first[i]; s != stages.None && stages.SpecOf(s).Waits && first != 0 && first-1 < one.end {
		blind := claim{Unexplained, one.rank, max(one.begin, first-1), one.end}
		if s == stages.ProcessOnce && c.failed != 0 && c.failed < blind.end {
			blind.end = max(blind.begin, c.failed)
			c.claims = append(c.claims, claim{one.name, one.rank, blind.end, one.end})
		}
		if blind.begin < blind.end {
			c.claims = append(c.claims, blind)
		}
		one.end = first - 1
	}
	if one.begin < one.end {
		c.claims = append(c.claims, one)
	}
}

// perStage is how many ranks a stage has: its own, and those between it and the
// next one.
const perStage = 4

// noteFailure notes when a save had failed. What the proposer waits for from then
// on is the server's end, and nothing else: its wait has a name again.
func (c *claimant) noteFailure(i int) {
	if st := &c.stages[i]; st.Known() == stages.WALSave && st.Attributes[AttrFailure] != "" {
		c.failed = st.EndNS
	}
}

// rank says whose word counts where several stages are under way: that of the one
// furthest along the path. Within a handler, receiving a message says more than
// the handler itself; of the stages that the catalogue does not know the deeper
// one knows better.
func (c *claimant) rank(i int) int {
	s := c.stages[i].Known()
	switch s {
	case stages.None:
		return perStage*int(stages.NumStages) + c.depth(i)
	case stages.RecvMsg:
		if c.inHandler(i) {
			return perStage*int(stages.GRPCHandler) + 1
		}
	case stages.CodecDecode:
		if above := c.parents[i]; above >= 0 && c.inHandler(above) {
			return perStage*int(stages.GRPCHandler) + 2
		}
	}
	return perStage * int(s)
}

func (c *claimant) inHandler(i int) bool {
	above := c.parents[i]
	return above >= 0 && stages.IsHandler(c.stages[above].Known())
}

// firstChild notes a stage's begin with the one that it sits in, if that mostly
// waits for its children. Zero is "none": begins are kept one higher.
func (c *claimant) firstChild(i int) {
	above := c.parents[i]
	if above < 0 || c.stages[i].BeginNS < c.stages[above].BeginNS {
		return
	}
	if begin := max(0, c.stages[i].BeginNS) + 1; c.first[above] == 0 || begin < c.first[above] {
		c.first[above] = begin
	}
}

// What left holds for a stage that was not looked at, and for one that is being
// looked at.
const (
	notLeft = -1 << 63
	leaving = notLeft + 1
)

// leave returns when a request had left a stage: at its end, or at that of a stage
// around it. A save goes on for the others when one of its requests gives up.
// Spans that the catalogue does not know may outlive what they lie in.
func (c *claimant) leave(i int) int64 {
	c.way = c.way[:0]
	end := int64(1<<63 - 1)
	for at := i; at >= 0; at = c.parents[at] {
		if known := c.left[at]; known == leaving { // a circle, of a file's
			break
		} else if known != notLeft {
			end = known
			break
		}
		c.left[at] = leaving
		c.way = append(c.way, at)
		if c.stages[at].Known() == stages.None {
			break
		}
	}
	for _, at := range slices.Backward(c.way) {
		end = min(end, c.stages[at].EndNS)
		if c.stages[at].Known() == stages.None {
			end = c.stages[at].EndNS
		}
		c.left[at] = end
	}
	return c.left[i]
}

// depth counts the ancestors of a span that the catalogue does not know, each
// once. A circle of parents ends the count.
func (c *claimant) depth(i int) int {
	if c.depths == nil {
		c.depths = make([]int, len(c.stages))
	}
	return countAncestors(c.parents, c.depths, i)
}

// underCount marks a stage whose ancestors are being counted.
const underCount = -1

// countAncestors keeps what it counts in known, one higher; zero is "not counted
// yet".
func countAncestors(parents, known []int, i int) int {
	var way []int
	depth := 0
	for at := i; at >= 0; at = parents[at] {
		if known[at] != 0 {
			depth = max(0, known[at]) // in a circle it begins at nothing
			break
		}
		known[at] = underCount
		way = append(way, at)
	}
	for _, at := range slices.Backward(way) {
		known[at] = depth + 1
		depth++
	}
	return known[i] - 1
}

// folded adds the claims of the rows that stand for many stretches which were not
// kept, see Record.Repeat. How long those took is known, and between which two
// moments; not when each of them was. So each row claims as much as it took: the
// one furthest along the path first, the others after it.
func (c *claimant) folded() {
	var rows []int
	for i := range c.stages {
		if c.stages[i].folded() {
			rows = append(rows, i)
		}
	}
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(c.rank(b), c.rank(a)) })
	var claimed int64 // by those further along
	for _, i := range rows {
		st := &c.stages[i]
		begin := max(0, st.BeginNS)
		claimed += min(st.Took(), st.Duration())
		one := claim{st.Stage, c.rank(i), begin, min(c.duration, c.leave(i), begin+claimed)}
		if one.begin < one.end {
			c.claims = append(c.claims, one)
		}
	}
}
