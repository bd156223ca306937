package source

import (
	"go/ast"
	"go/token"
)

// mostMarked is how long a statement may be to be marked as a whole. Of a longer
// one its head is marked.
const mostMarked = 12

// markOf returns the lines that are marked for a place: those of the statement
// that it is or stands in. When it stands in the head of a statement with a
// block, as a call in the condition of an if, the head is the statement.
func (f *file) markOf(p place) (first, last int) {
	node := enclosing(p)
	first, last = f.line(node.Pos()), f.line(node.End()-1)
	inHead := node != p.node && hasBody(node)
	if head := f.line(headOf(node)); inHead || last-first >= mostMarked {
		last = head
	}
	return first, last
}

// enclosing is the innermost statement that a place is or stands in; the place
// itself when it stands in none, as a field.
func enclosing(p place) ast.Node {
	if isMarkable(p.node) {
		return p.node
	}
	for i := len(p.parents) - 1; i >= 0; i-- {
		if isMarkable(p.parents[i]) {
			return p.parents[i]
		}
	}
	return p.node
}

func isMarkable(n ast.Node) bool {
	switch n.(type) {
	case *ast.BlockStmt:
		return false
	case ast.Stmt, *ast.Field, *ast.ValueSpec:
		return true
	}
	return false
}

// hasBody tells the statements whose heads hold other statements and calls.
func hasBody(n ast.Node) bool {
	switch n.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// headOf is where a statement's first block begins, its own or that of a
// function literal in it; its end when it has none.
func headOf(n ast.Node) (end token.Pos) {
	switch c := n.(type) {
	case *ast.CaseClause:
		return c.Colon
	case *ast.CommClause:
		return c.Colon
	}
	end = n.End() - 1
	ast.Inspect(n, func(inner ast.Node) bool {
		if block, ok := inner.(*ast.BlockStmt); ok && block.Lbrace < end {
			end = block.Lbrace
		}
		return true
	})
	return end
}
