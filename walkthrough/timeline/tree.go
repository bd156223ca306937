package timeline

import (
	"cmp"
	"slices"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// node is a stage in the tree, or several of one name under one parent: the
// messages of a stream. Or it is a part of the request: what the server asked
// itself to answer it.
type node struct {
	times    []*trace.StageTime
	part     *trace.Part // nil for a stage
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

// name is the stage's; a part has none.
func (n *node) name() string {
	if n.part != nil {
		return ""
	}
	return n.times[0].Stage
}

// took returns how long the stage took, all times together.
func (n *node) took() (ns int64) {
	if n.part != nil {
		return max(0, n.part.EndNS-n.part.BeginNS)
	}
	for _, st := range n.times {
		ns += st.Took()
	}
	return ns
}

// begin returns when the stage first began.
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

// forest nests the stages by their parents. A stage whose parent is not there
// hangs on the nearest one that is, as far as the catalogue knows it, or stands at
// the top. Stages that are each other's parents stand at the top too: nothing that
// was recorded is left out. Between a part's stages and what they lie in stands
// the part.
func forest(t *trace.Timeline, stages []*trace.StageTime) []*node {
	g := gather(t, stages)
	parts := make([]*node, len(t.Parts))
	nodes := g.nodes
	for _, n := range g.nodes {
		n.parent = g.parent(n)
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

// grove is the nodes before they are nested.
type grove struct {
	nodes  []*node
	byName map[key]*node              // the first of a name in each part
	above  map[*trace.StageTime]*node // of each stage, the node that its parent belongs to
}

type key struct {
	stage string
	part  int
}

// gather makes the nodes, those of one name and one parent into one.
func gather(t *trace.Timeline, stages []*trace.StageTime) *grove {
	type family struct{ stage, parent, part any }
	g := &grove{byName: make(map[key]*node, len(stages)), above: make(map[*trace.StageTime]*node, len(stages))}
	seen := make(map[family]*node, len(stages))
	of := make(map[*trace.StageTime]*node, len(stages))
	for _, st := range stages {
		f := family{st.Stage, st.Parent, st.Part}
		n := seen[f]
		if n == nil {
			n = new(node)
			seen[f], g.nodes = n, append(g.nodes, n)
			if k := (key{st.Stage, st.Part}); g.byName[k] == nil {
				g.byName[k] = n
			}
		}
		n.times, of[st] = append(n.times, st), n
	}
	for i, parent := range t.Parents() {
		if n := of[&t.Stages[i]]; n != nil && parent >= 0 {
			g.above[&t.Stages[i]] = of[&t.Stages[parent]]
		}
	}
	return g
}

func (g *grove) parent(n *node) *node {
	first := n.times[0]
	if above := g.above[first]; above != nil {
		return above
	}
	name := first.Parent
	for range stages.NumStages { // no chain of parents is longer
		stage, known := stages.ByName(name)
		if !known {
			return nil
		}
		name = stages.SpecOf(stages.SpecOf(stage).Parent).Name
		if parent := g.byName[key{name, first.Part}]; parent != nil && parent != n {
			return parent
		}
	}
	return nil
}

// fold leaves out stages that took less than the limit. One stays when a longer
// one is inside it, or the way to that would be missing.
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

// leftOut adds a row that says how many are missing.
func (b *builder) leftOut(folded int, limit time.Duration) {
	if folded > 0 {
		b.rows = append(b.rows, &row{hidden: folded, name: b.lang.Say("… %d shorter than %s left out",
			"… 另有 %d 个不足 %s 的阶段未画出", folded, screen.Duration(int64(limit)))})
	}
	if b.more > 0 {
		b.rows = append(b.rows, &row{hidden: b.more, name: b.lang.Say("… %d more", "… 还有 %d 行", b.more)})
	}
}
