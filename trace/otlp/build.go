package otlp

import (
	"cmp"
	"slices"

	"glasskv/trace"
)

// builder puts spans that were read back into timelines: one for each of
// GlassKV's requests, and one for each root of another program's traces.
type builder struct {
	spans  []readSpan
	index  map[spanKey]int
	parent []int // row of the parent; noParent, or missing
	kids   []int // rows of children, those of one parent side by side
	first  []int // where a row's children begin in kids
	named  map[int]*problems
	linked map[int]bool // roots of batches and connections that a request shows
}

type spanKey struct{ trace, id string }

const (
	noParent = -1
	missing  = -2
)

func (b *builder) timelines() []*trace.Timeline {
	b.index = make(map[spanKey]int, len(b.spans))
	b.parent = make([]int, len(b.spans))
	b.named, b.linked = make(map[int]*problems), make(map[int]bool)
	b.identify()
	b.findParents()
	b.breakCircles()
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
	for _, root := range roots { // in the order of the file again
		if t := made[root]; t != nil {
			all = append(all, t)
		}
	}
	return all
}

// problem notes a contradiction on the span it concerns; it is shown with the
// timeline that shows the span.
func (b *builder) problem(row int, kind, format string, args ...any) {
	p := b.named[row]
	if p == nil {
		p = new(problems)
		b.named[row] = p
	}
	p.add(kind, format, args...)
}

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
		case s.parent == "" || b.isRequest(row): // a request begins a timeline, whoever sent it
			b.parent[row] = noParent
		case found:
			b.parent[row] = parent
		case s.remote: // it is in another process's file
			b.parent[row] = noParent
		default:
			b.parent[row] = missing
			b.problem(row, "missing", "the parent of %.80s, span %.32s, is not in the file", s.name, s.parent)
		}
	}
}

// breakCircles makes a root of the span that began first in each circle of
// parents.
func (b *builder) breakCircles() {
	seenBy := make([]int, len(b.spans)) // by whose walk, counted from 1
	for start := range b.spans {
		row := start
		for row >= 0 && seenBy[row] == 0 {
			seenBy[row] = start + 1
			row = b.parent[row]
		}
		if row < 0 || seenBy[row] != start+1 {
			continue // ends at a root, or where an earlier walk has been
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

// adopt gives the spans whose parent is missing to their trace's request or root.
// Where a trace has none, a span is made up to hold them together.
func (b *builder) adopt(roots, orphans []int) []int {
	if len(orphans) == 0 {
		return roots
	}
	of := make(map[string]int, len(roots)) // trace → root
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
			b.spans = append(b.spans, readSpan{trace: s.trace, name: MissingRoot, service: s.service, begin: s.begin, end: s.end})
		}
		b.parent[row] = root
		if !have || b.spans[root].id == "" { // the made-up one spans them all
			b.spans[root].begin = min(b.spans[root].begin, s.begin)
			b.spans[root].end = max(b.spans[root].end, s.end)
		}
	}
	return roots
}

// MissingRoot is the name of the span that stands in for one that the others
// name as their parent and that a file lacks.
const MissingRoot = "(root not in the file)"

// findChildren sorts each span's children by their begins.
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
