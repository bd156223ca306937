package otlp

import (
	"cmp"
	"slices"

	"glasskv/trace"
)

// builder builds timelines from the spans of a file: one for each of GlassKV's
// requests, and one for each root of another program's traces. A row is a span's index
// in spans.
type builder struct {
	spans  []readSpan
	index  map[spanKey]int
	parent []int             // by row: the parent's row, noParent or missing
	kids   []int             // the children's rows; children of the same parent are adjacent
	first  []int             // by row: where its children begin in kids
	found  map[int]*problems // by row
	linked map[int]bool      // roots of batches and connections that are shown with a request
}

type spanKey struct{ trace, id string }

const (
	noParent = -1
	missing  = -2
)

func (b *builder) timelines() []*trace.Timeline {
	b.index = make(map[spanKey]int, len(b.spans))
	b.parent = make([]int, len(b.spans))
	b.found, b.linked = make(map[int]*problems), make(map[int]bool)
	b.identify()
	b.findParents()
	b.breakCycles()
	roots := b.adopt(b.roots())
	b.findChildren()

	var own, others []int
	for _, root := range roots {
		if b.isRequest(root) {
			own = append(own, root)
		} else {
			others = append(others, root)
		}
	}
	made := make(map[int]*trace.Timeline, len(roots))
	for _, root := range own {
		made[root] = b.request(root)
	}
	for _, root := range others {
		if !b.linked[root] {
			made[root] = b.foreign(root)
		}
	}
	all := make([]*trace.Timeline, 0, len(made))
	for _, root := range roots { // in the order of the file
		if t := made[root]; t != nil {
			all = append(all, t)
		}
	}
	return all
}

// problem records a problem of a span. It is shown with the timeline that shows the
// span.
func (b *builder) problem(row int, kind, format string, args ...any) {
	p := b.found[row]
	if p == nil {
		p = new(problems)
		b.found[row] = p
	}
	p.add(kind, format, args...)
}

// identify fills the index. Of spans with the same ID it has the first.
func (b *builder) identify() {
	for row := range b.spans {
		s := &b.spans[row]
		if s.id == "" {
			b.problem(row, "id", "%.80s has no span ID", s.name)
			continue
		}
		key := spanKey{s.trace, s.id}
		if before, taken := b.index[key]; taken {
			b.problem(row, "duplicate", "%.80s and %.80s have the same span ID %.32s", b.spans[before].name, s.name, s.id)
			continue
		}
		b.index[key] = row
	}
}

func (b *builder) findParents() {
	for row := range b.spans {
		s := &b.spans[row]
		switch parent, found := b.index[spanKey{s.trace, s.parent}]; {
		case s.parent == "" || b.isRequest(row): // a request has a timeline of its own, even if its client's span is in the file
			b.parent[row] = noParent
		case found:
			b.parent[row] = parent
		case s.remote: // the parent is in another process's file
			b.parent[row] = noParent
		default:
			b.parent[row] = missing
			b.problem(row, "missing", "the parent of %.80s, span %.32s, is not in the file", s.name, s.parent)
		}
	}
}

// breakCycles breaks each cycle of parents: the span that began first becomes a root.
// Only a damaged file contains cycles. From here on, the spans are trees.
func (b *builder) breakCycles() {
	seenBy := make([]int, len(b.spans)) // the walk that reached the row: its start + 1
	for start := range b.spans {
		row := start
		for row >= 0 && seenBy[row] == 0 {
			seenBy[row] = start + 1
			row = b.parent[row]
		}
		if row < 0 || seenBy[row] != start+1 {
			continue // the walk ended at a root, or where an earlier walk went on
		}
		first := row
		for at := b.parent[row]; at != row; at = b.parent[at] {
			if b.spans[at].begin < b.spans[first].begin {
				first = at
			}
		}
		b.problem(first, "circle", "%.80s is its own ancestor, by way of %.80s",
			b.spans[first].name, b.spans[b.parent[first]].name)
		b.parent[first] = noParent
	}
}

// roots returns the rows without a parent, and those whose parent is missing.
func (b *builder) roots() (roots, orphans []int) {
	for row, parent := range b.parent {
		switch parent {
		case noParent:
			roots = append(roots, row)
		case missing:
			orphans = append(orphans, row)
		}
	}
	return roots, orphans
}

// adopt makes each orphan a child of its trace's root, preferably a request's. If the
// trace has no root, adopt adds a span as the root of all its orphans. It returns the
// roots with those it added.
func (b *builder) adopt(roots, orphans []int) []int {
	if len(orphans) == 0 {
		return roots
	}
	of := make(map[string]int, len(roots)) // the root of each trace
	for _, row := range roots {
		if _, have := of[b.spans[row].trace]; !have || b.isRequest(row) {
			of[b.spans[row].trace] = row
		}
	}
	for _, row := range orphans {
		s := b.spans[row]
		root, have := of[s.trace]
		if !have {
			root = len(b.spans)
			of[s.trace] = root
			roots = append(roots, root)
			b.parent = append(b.parent, noParent)
			b.spans = append(b.spans, readSpan{trace: s.trace, name: missingRoot, service: s.service, begin: s.begin, end: s.end})
		}
		b.parent[row] = root
		if !have || b.spans[root].id == "" { // the added root lasts as long as all its children
			b.spans[root].begin = min(b.spans[root].begin, s.begin)
			b.spans[root].end = max(b.spans[root].end, s.end)
		}
	}
	return roots
}

// missingRoot is the name of the span that adopt adds.
const missingRoot = "(root not in the file)"

// findChildren fills kids and first. Children are sorted by their begins.
func (b *builder) findChildren() {
	b.first = make([]int, len(b.spans)+1)
	for _, parent := range b.parent {
		if parent >= 0 {
			b.first[parent+1]++
		}
	}
	for i := 1; i < len(b.first); i++ {
		b.first[i] += b.first[i-1]
	}
	b.kids = make([]int, b.first[len(b.spans)])
	next := slices.Clone(b.first)
	for row, parent := range b.parent {
		if parent >= 0 {
			b.kids[next[parent]] = row
			next[parent]++
		}
	}
	for row := range b.spans {
		slices.SortStableFunc(b.children(row), func(x, y int) int {
			return cmp.Compare(b.spans[x].begin, b.spans[y].begin)
		})
	}
}

func (b *builder) children(row int) []int { return b.kids[b.first[row]:b.first[row+1]] }
