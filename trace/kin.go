package trace

import (
	"cmp"
	"slices"

	"glasskv/trace/stages"
)

// Parents returns, for each stage, the row of the stage that it lies in, and -1 for
// those at the top or whose parent is not among the stages. In a timeline that was read
// from a file, stages may be each other's parents.
//
// A stage names its parent. If several rows have that name, the parent is one in the
// same part as the stage, or else in the nearest part around that part. If several rows
// remain, it is the one that encloses the stage in time, or else the last that began
// before the stage.
func (t *Timeline) Parents() []int {
	return AppendParents(make([]int, 0, len(t.Stages)), t.Stages, t.Parts)
}

// AppendParents appends to parents what Timeline.Parents returns. It is for callers that
// look at many timelines and use their memory again.
func AppendParents(parents []int, rows []StageTime, parts []Part) []int {
	f := finder{stages: rows, parts: parts}
	f.list()
	for i := range rows {
		parents = append(parents, f.parent(i))
	}
	return parents
}

// tree says how the rows of a timeline lie in each other.
type tree struct {
	parent []int // row of the parent; -1 at the top
	order  []int // all rows, each after its parent
	depth  []int // how many ancestors a row has
}

// treeOf finds each row's parent, and opens each cycle of parents in one place: only a
// timeline that was read from a file can have one.
func treeOf(rows []StageTime, parts []Part) tree {
	t := tree{
		parent: AppendParents(make([]int, 0, len(rows)), rows, parts),
		order:  make([]int, 0, len(rows)), depth: make([]int, len(rows)),
	}
	var chain []int // a row, its parent, its parent's parent, …
	placed, inChain := make([]bool, len(rows)), make([]bool, len(rows))
	for i := range rows {
		chain = chain[:0]
		for at := i; at >= 0 && !placed[at]; at = t.parent[at] {
			if inChain[at] { // a cycle: the last row of the chain goes to the top
				t.parent[chain[len(chain)-1]] = -1
				break
			}
			inChain[at] = true
			chain = append(chain, at)
		}
		for _, at := range slices.Backward(chain) {
			placed[at] = true
			t.order = append(t.order, at)
			if above := t.parent[at]; above >= 0 {
				t.depth[at] = t.depth[above] + 1
			}
		}
	}
	return t
}

// finder finds rows by their names. Most names have one row; only the others are given
// a list.
type finder struct {
	stages []StageTime
	parts  []Part
	known  [stages.NumStages]namesakes
	others map[string]namesakes
	rows   map[string][]int // for each name that several rows have: those rows, in the order in which they began
}

// namesakes says how many rows have one name, and which of them is the last.
type namesakes struct{ n, last int32 }

func (f *finder) list() {
	several := false
	for i := range f.stages {
		st := &f.stages[i]
		of := f.namesakes(st.known(), st.Stage)
		of.n, of.last = of.n+1, int32(i)
		several = several || of.n > 1
		if s := st.known(); s != stages.None {
			f.known[s] = of
			continue
		}
		if f.others == nil {
			f.others = make(map[string]namesakes)
		}
		f.others[st.Stage] = of
	}
	if several {
		f.listSeveral()
	}
}

func (f *finder) namesakes(s stages.Stage, name string) namesakes {
	if s != stages.None {
		return f.known[s]
	}
	return f.others[name]
}

func (f *finder) listSeveral() {
	f.rows = make(map[string][]int)
	for i := range f.stages {
		if st := &f.stages[i]; f.namesakes(st.known(), st.Stage).n > 1 {
			f.rows[st.Stage] = append(f.rows[st.Stage], i)
		}
	}
	for _, rows := range f.rows {
		slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(f.stages[a].BeginNS, f.stages[b].BeginNS) })
	}
}

func (f *finder) parent(i int) int {
	st := &f.stages[i]
	if st.Parent == "" {
		return -1
	}
	stage, _ := stages.ByName(st.Parent)
	switch of := f.namesakes(stage, st.Parent); {
	case of.n == 0 || of.n == 1 && int(of.last) == i:
		return -1
	case of.n == 1:
		return int(of.last)
	}
	from := st.Part
	if f.top(st) {
		from = f.parts[from-1].In
	}
	return f.nearest(i, f.rows[st.Parent], from)
}

// top reports whether a stage is at the top of its part. If so, the parent that it names
// lies outside the part, even if the part has a stage of that name.
func (f *finder) top(st *StageTime) bool {
	if st.Part <= 0 || st.Part > len(f.parts) || f.parts[st.Part-1].Under != st.Parent {
		return false
	}
	under, _ := stages.ByName(st.Parent)
	return !liesIn(st.known(), under)
}

// liesIn reports whether the catalogue has a stage inside another one.
func liesIn(s, outer stages.Stage) bool {
	for s != stages.None {
		switch s = stages.SpecOf(s).Parent; {
		case s == outer,
			s == stages.GRPCHandler && stages.IsHandler(outer),
			s == stages.TxnPut && stages.IsChange(outer):
			return true
		}
	}
	return false
}

// window bounds how many rows of one name are looked at for each stage that
// names it: a file may have a hundred thousand of them.
const window = 2 * MaxEmbedded

// nearest returns row i's parent among rows of one name, which must be in the order in
// which they began. It looks in the given part first, then in the parts around it.
func (f *finder) nearest(i int, rows []int, part int) int {
	st := &f.stages[i]
	begun, _ := slices.BinarySearchFunc(rows, st.BeginNS+1, func(row int, at int64) int {
		return cmp.Compare(f.stages[row].BeginNS, at)
	})
	before := rows[max(0, begun-window):begun]
	for ; ; part = f.parts[part-1].In {
		if row := f.enclosing(i, before, part); row >= 0 {
			return row
		}
		if part <= 0 || part > len(f.parts) || f.parts[part-1].In >= part {
			break
		}
	}
	for _, row := range rows[max(0, begun-1):min(len(rows), begun+window)] {
		if row != i {
			return row
		}
	}
	return -1
}

// enclosing returns the last of a part's rows that lasts as long as the stage, or
// else the last; -1 if it has none.
func (f *finder) enclosing(i int, rows []int, part int) int {
	last := -1
	for _, row := range slices.Backward(rows) {
		switch {
		case row == i || f.stages[row].Part != part:
		case f.stages[row].EndNS >= f.stages[i].EndNS:
			return row
		case last < 0:
			last = row
		}
	}
	return last
}
