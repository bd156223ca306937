package source

import (
	"bytes"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"strings"
)

// read tells whether a node is of the kind that an anchor names, and the texts
// by which it may be called; one empty text when it has no name.
func read(n ast.Node, what string, parents []ast.Node) (written []string, order token.Pos, ok bool) {
	switch what {
	case "call":
		if call, ok := n.(*ast.CallExpr); ok {
			// a().b() is two calls that begin at the same place.
			return []string{callee(call)}, call.Lparen, true
		}
		return nil, 0, false
	case "case":
		written, ok = caseTexts(n)
	case "send":
		if send, is := n.(*ast.SendStmt); is {
			return []string{types.ExprString(send.Chan)}, send.Arrow, true
		}
	case "recv":
		if recv, is := n.(*ast.UnaryExpr); is && recv.Op == token.ARROW {
			return []string{types.ExprString(recv.X)}, recv.OpPos, true
		}
	case "assign":
		written = assigned(n)
		ok = len(written) > 0
	case "field", "method":
		written, ok = memberNames(n, what, parents)
	default:
		var text string
		text, ok = statementText(n, what)
		written = []string{text}
	}
	return written, n.Pos(), ok
}

// callee is how a called function is written, without type arguments.
func callee(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	case *ast.FuncLit:
		return "func"
	}
	return types.ExprString(fun)
}

// statementText is what stands behind a statement's word: the condition of an
// if, what a for ranges over, the function that a go starts.
func statementText(n ast.Node, what string) (text string, ok bool) {
	switch s := n.(type) {
	case *ast.SelectStmt:
		return "", what == "select"
	case *ast.ForStmt:
		return expressions(s.Cond), what == "for"
	case *ast.RangeStmt:
		return "range " + expressions(s.X), what == "for"
	case *ast.IfStmt:
		return expressions(s.Cond), what == "if"
	case *ast.SwitchStmt:
		return expressions(s.Tag), what == "switch"
	case *ast.TypeSwitchStmt:
		return oneLine(s.Assign), what == "switch"
	case *ast.GoStmt:
		return callee(s.Call), what == "go"
	case *ast.DeferStmt:
		return callee(s.Call), what == "defer"
	case *ast.ReturnStmt:
		return expressions(s.Results...), what == "return"
	}
	return "", false
}

// expressions writes a list; an expression that is not there is left out.
func expressions(list ...ast.Expr) string {
	var texts []string
	for _, x := range list {
		if x != nil {
			texts = append(texts, types.ExprString(x))
		}
	}
	return strings.Join(texts, ", ")
}

// caseTexts are the list of a case as it is written.
func caseTexts(n ast.Node) ([]string, bool) {
	switch c := n.(type) {
	case *ast.CaseClause:
		return []string{orDefault(expressions(c.List...))}, true
	case *ast.CommClause:
		if c.Comm == nil {
			return []string{orDefault("")}, true
		}
		return []string{oneLine(c.Comm)}, true
	}
	return nil, false
}

func orDefault(list string) string {
	if list == "" {
		return "default"
	}
	return list
}

// oneLine prints a short statement, such as the receive of a select's case.
func oneLine(s ast.Stmt) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), s); err != nil {
		return ""
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// assigned are the texts on the left of an assignment, of a declaration or of a
// range. m[k] = v assigns to m as well.
func assigned(n ast.Node) (written []string) {
	var left []ast.Expr
	switch s := n.(type) {
	case *ast.AssignStmt:
		left = s.Lhs
	case *ast.IncDecStmt:
		left = []ast.Expr{s.X}
	case *ast.RangeStmt:
		left = []ast.Expr{s.Key, s.Value}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			left = append(left, name)
		}
	}
	for _, x := range left {
		if x == nil {
			continue
		}
		written = append(written, types.ExprString(x))
		if at, ok := x.(*ast.IndexExpr); ok {
			written = append(written, types.ExprString(at.X))
		}
	}
	return written
}

// memberNames are the names of a struct's field or of an interface's method.
func memberNames(n ast.Node, what string, parents []ast.Node) (names []string, ok bool) {
	field, ok := n.(*ast.Field)
	if !ok || len(parents) < 2 {
		return nil, false
	}
	switch parents[len(parents)-2].(type) {
	case *ast.StructType:
		ok = what == "field"
	case *ast.InterfaceType:
		ok = what == "method"
	default:
		ok = false
	}
	if !ok {
		return nil, false
	}
	for _, name := range field.Names {
		names = append(names, name.Name)
	}
	if len(names) == 0 {
		names = append(names, baseName(field.Type))
	}
	return names, true
}
