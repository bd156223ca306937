package source

import (
	"cmp"
	"go/ast"
	"go/token"
	"slices"
)

// place is a node that an anchor may mean.
type place struct {
	node    ast.Node
	parents []ast.Node // those around it, the outermost first
	order   token.Pos  // by which places are counted
	written string     // what the anchor's text is compared with
}

// mark finds the lines that an anchor means. The error lists what there is.
func (d *declared) mark(text string) (first, last int, err error) {
	readings, err := parseAnchor(text)
	if err != nil {
		return 0, 0, err
	}
	all := places(d.node, readings[0].what)
	for _, a := range readings {
		if p, ok := a.among(all); ok {
			first, last = d.file.markOf(p)
			return first, last, nil
		}
	}
	there := make([]string, len(all))
	for i, p := range all {
		there[i] = p.written
	}
	return 0, 0, readings[len(readings)-1].nothing(d.symbol, there)
}

// among finds the n-th place that matches.
func (a anchor) among(all []place) (place, bool) {
	if a.what == "case" || a.text != "" && slices.Contains(statements, a.what) {
		all = exactFirst(all, a.text)
	}
	count := 0
	for _, p := range all {
		if !a.matches(p.written) {
			continue
		}
		if count++; count == a.n {
			return p, true
		}
	}
	return place{}, false
}

// exactFirst leaves only those that say exactly the text, when there are any:
// "0" then means "case 0" and not "case 10".
func exactFirst(all []place, text string) []place {
	var exact []place
	for _, p := range all {
		if p.written == text {
			exact = append(exact, p)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return all
}

// places finds all nodes of a kind in a declaration, in the order of the source.
func places(root ast.Node, what string) (all []place) {
	var parents []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		if written, order, ok := read(n, what, parents); ok {
			for _, w := range written {
				all = append(all, place{n, slices.Clone(parents), order, w})
			}
		}
		parents = append(parents, n)
		return true
	})
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.order, b.order) })
	return all
}
