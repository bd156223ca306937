package timeline

import (
	"cmp"
	"slices"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// node is a node of the tree: a stage, several stages of one name under one parent,
// such as the messages of a stream, or a part: a request that the server made
// itself to answer this one.
type node struct {
	times    []*trace.StageTime
	part     *trace.Part // nil for a stage
	parent   *node
	children []*node
	state    state
}

// state is a node's state in breakCycles.
type state uint8

const (
	unseen state = iota
	onPath       // an ancestor of the node from which the search began
	done         // not on a cycle
)

// name returns the name of the stage, or "" if the node is a part.
func (n *node) name() string {
	if n.part != nil {
		return ""
	}
	return n.times[0].Stage
}

// took returns how long the stage took in nanoseconds, summed over all its times.
func (n *node) took() (ns int64) {
	if n.part != nil {
		return max(0, n.part.EndNS-n.part.BeginNS)
	}
	for _, st := range n.times {
		ns += st.Took()
	}
	return ns
}

// begin returns the time at which the stage first began, in nanoseconds from the
// request's start.
func (n *node) begin() int64 {
	if n.part != nil {
		return n.part.BeginNS
	}
	first := n.times[0].BeginNS
	for _, st := range n.times[1:] {
		first = min(first, st.BeginNS)
	}
	return first
}

// forest nests the stages by their parents, and returns the roots. If the parent of
// a stage is missing, the stage is put below its nearest ancestor in the catalogue
// that is there, or else at the top. The stages of a part are put below a node for
// the part, and that node where its stages would be. A trace from a file may contain
// a cycle of parents; its stages are put at the top. Every stage is in the forest
// exactly once.
func forest(t *trace.Timeline, stages []*trace.StageTime) []*node {
	index := newNodeIndex(t, stages)
	parts := make([]*node, len(t.Parts))
	nodes := index.nodes
	for _, n := range index.nodes {
		n.parent = index.parent(n)
		number := n.times[0].Part
		if number <= 0 || number > len(parts) || n.parent != nil && n.parent.times[0].Part == number {
			continue
		}
		if parts[number-1] == nil {
			parts[number-1] = &node{part: &t.Parts[number-1], parent: n.parent}
			nodes = append(nodes, parts[number-1])
		}
		n.parent = parts[number-1]
	}
	breakCycles(nodes)
	var roots []*node
	for _, n := range nodes {
		if n.parent == nil {
			roots = append(roots, n)
		} else {
			n.parent.children = append(n.parent.children, n)
		}
	}
	for _, n := range nodes {
		sortByBegin(n.children)
	}
	sortByBegin(roots)
	return roots
}

// breakCycles removes the parents of all nodes that are their own ancestors.
func breakCycles(nodes []*node) {
	for _, start := range nodes {
		var path []*node
		n := start
		for n != nil && n.state == unseen {
			n.state, path = onPath, append(path, n)
			n = n.parent
		}
		if n != nil && n.state == onPath {
			for n.parent != nil {
				n.parent, n = nil, n.parent
			}
		}
		for _, p := range path {
			p.state = done
		}
	}
}

func sortByBegin(nodes []*node) {
	slices.SortStableFunc(nodes, func(a, b *node) int { return cmp.Compare(a.begin(), b.begin()) })
}

// nodeIndex finds nodes that are not nested yet.
type nodeIndex struct {
	nodes    []*node
	byName   map[stageInPart]*node      // the first node of a stage in a part
	parentOf map[*trace.StageTime]*node // the node with the stage's parent in the timeline
}

// stageInPart names a stage in a part of the request; part 0 is the request itself.
type stageInPart struct {
	stage string
	part  int
}

// newNodeIndex makes the nodes. Stages of one name, one parent and one part become
// one node.
func newNodeIndex(t *trace.Timeline, stages []*trace.StageTime) *nodeIndex {
	type family struct{ stage, parent, part any }
	index := &nodeIndex{
		byName:   make(map[stageInPart]*node, len(stages)),
		parentOf: make(map[*trace.StageTime]*node, len(stages)),
	}
	families := make(map[family]*node, len(stages))
	nodeOf := make(map[*trace.StageTime]*node, len(stages))
	for _, st := range stages {
		f := family{st.Stage, st.Parent, st.Part}
		n := families[f]
		if n == nil {
			n = new(node)
			families[f], index.nodes = n, append(index.nodes, n)
			if k := (stageInPart{st.Stage, st.Part}); index.byName[k] == nil {
				index.byName[k] = n
			}
		}
		n.times, nodeOf[st] = append(n.times, st), n
	}
	for i, parent := range t.Parents() {
		if n := nodeOf[&t.Stages[i]]; n != nil && parent >= 0 {
			index.parentOf[&t.Stages[i]] = nodeOf[&t.Stages[parent]]
		}
	}
	return index
}

// parent returns the node below which n is put; nil for the top.
func (x *nodeIndex) parent(n *node) *node {
	first := n.times[0]
	if parent := x.parentOf[first]; parent != nil {
		return parent
	}
	name := first.Parent
	for range stages.NumStages { // no chain of parents in the catalogue is longer
		stage, known := stages.ByName(name)
		if !known {
			return nil
		}
		name = stages.SpecOf(stages.SpecOf(stage).Parent).Name
		if parent := x.byName[stageInPart{name, first.Part}]; parent != nil && parent != n {
			return parent
		}
	}
	return nil
}

// fold leaves out the nodes that took less than the limit, unless a node below them
// is kept. It returns how many it has left out.
func fold(nodes []*node, limit time.Duration) (kept []*node, hidden int) {
	for _, n := range nodes {
		inner, h := fold(n.children, limit)
		n.children, hidden = inner, hidden+h
		if len(inner) > 0 || n.took() >= int64(limit) {
			kept = append(kept, n)
		} else {
			hidden++
		}
	}
	return kept, hidden
}

// leftOut adds rows that say how many nodes were folded and how many were beyond the
// limit.
func (b *builder) leftOut(folded int, limit time.Duration) {
	if folded > 0 {
		b.rows = append(b.rows, &row{hidden: folded, name: b.lang.Say("… %d shorter than %s left out",
			"… 另有 %d 个不足 %s 的阶段未画出", folded, screen.Duration(int64(limit)))})
	}
	if b.more > 0 {
		b.rows = append(b.rows, &row{hidden: b.more, name: b.lang.Say("… %d more", "… 还有 %d 行", b.more)})
	}
}
