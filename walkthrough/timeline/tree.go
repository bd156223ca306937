package timeline

import (
	"cmp"
	"slices"

	"glasskv/trace"
)

// node is a stage in the tree, or several of one name under one parent: the
// messages of a stream.
type node struct {
	times    []*trace.StageTime
	parent   *node
	children []*node
	state    state
}

// state is how far the search for circles has come.
type state uint8

const (
	unseen state = iota
	onPath
	done
)

func (n *node) name() string { return n.times[0].Stage }

// took returns how long the stage took, all times together.
func (n *node) took() (ns int64) {
	for _, st := range n.times {
		ns += st.Duration()
	}
	return ns
}

// begin returns when the stage first began.
func (n *node) begin() int64 {
	first := n.times[0].BeginNS
	for _, st := range n.times[1:] {
		first = min(first, st.BeginNS)
	}
	return first
}

// forest nests the stages by their parents' names. A stage whose parent is not
// there hangs on the nearest one that is, as far as the catalogue knows it, or
// stands at the top. Stages that are each other's parents stand at the top too:
// nothing that was recorded is left out.
func forest(stages []*trace.StageTime) []*node {
	nodes, byName := gather(stages)
	for _, n := range nodes {
		n.parent = findParent(n, byName)
	}
	breakCircles(nodes)
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

// breakCircles takes the parents from nodes that are among their own ancestors.
func breakCircles(nodes []*node) {
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

// gather makes the nodes, those of one name and one parent into one.
func gather(stages []*trace.StageTime) (nodes []*node, byName map[string]*node) {
	type key struct{ stage, parent string }
	byName = make(map[string]*node, len(stages))
	seen := make(map[key]*node, len(stages))
	for _, st := range stages {
		k := key{st.Stage, st.Parent}
		if n := seen[k]; n != nil {
			n.times = append(n.times, st)
			continue
		}
		n := &node{times: []*trace.StageTime{st}}
		seen[k], nodes = n, append(nodes, n)
		if byName[st.Stage] == nil {
			byName[st.Stage] = n
		}
	}
	return nodes, byName
}

func findParent(n *node, byName map[string]*node) *node {
	name := n.times[0].Parent
	for range trace.NumStages { // no chain of parents is longer
		if name == "" {
			return nil
		}
		if parent := byName[name]; parent != nil {
			return parent
		}
		stage, known := trace.StageByName(name)
		if !known {
			return nil
		}
		name = trace.SpecOf(trace.SpecOf(stage).Parent).Name
	}
	return nil
}
