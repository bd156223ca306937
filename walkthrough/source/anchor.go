package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
)

// An anchor names a place inside a declaration, "at WHAT [TEXT] [n]". Function
// literals inside belong to it. n counts from 1 in the order of the source and
// is 1 when it is left out.
//
//	at call X      a call of what is written X, or ends with .X
//	at select      a select; so too: for, if, switch, go, defer, return
//	at if TEXT     an if whose condition contains TEXT; so too, by what stands
//	               behind the word: for, switch, go, defer, return
//	at case TEXT   a case, of a switch or a select, whose list contains TEXT; or "default"
//	at send X      a send on a channel that is written X, or ends with .X
//	at recv X      a receive from such a channel
//	at assign X    an assignment or a declaration that has X on its left
//	at field X     a field of a struct type
//	at method X    a method of an interface type
type anchor struct {
	what string
	text string
	n    int
}

// Those that are nothing without a text, and those that may have one.
var (
	named      = []string{"call", "case", "send", "recv", "assign", "field", "method"}
	statements = []string{"select", "for", "if", "switch", "go", "defer", "return"}
)

var errNotAnchor = errors.New(`want "at WHAT [TEXT] [n]"; WHAT is one of ` +
	strings.Join(named, ", ") + ", which take a text, " + strings.Join(statements, ", ") + ", which may")

// parseAnchor reads an anchor. Where the last of several words is a number there
// are two ways to read it, as in `at case len(x) == 2`: as a part of the text,
// which counts when the source has it, or as n. The error says how anchors are
// written.
func parseAnchor(text string) (readings []anchor, err error) {
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "at" {
		return nil, fmt.Errorf("%q: %w", text, errNotAnchor)
	}
	what, rest := words[1], words[2:]
	statement := slices.Contains(statements, what)
	if len(rest) == 0 && !statement || !statement && !slices.Contains(named, what) {
		return nil, fmt.Errorf("%q: %w", text, errNotAnchor)
	}
	whole := anchor{what, strings.Join(rest, " "), 1}
	last := len(rest) - 1
	if last < 0 {
		return []anchor{whole}, nil
	}
	n, err := strconv.Atoi(rest[last])
	if counted := (anchor{what, strings.Join(rest[:last], " "), n}); err == nil && n > 0 {
		switch {
		case last > 0:
			return []anchor{whole, counted}, nil
		case statement:
			return []anchor{counted}, nil
		}
	}
	return []anchor{whole}, nil
}

// matches tells whether what is written in the source is what the anchor says.
func (a anchor) matches(written string) bool {
	switch a.what {
	case "call", "send", "recv", "assign":
		return written == a.text || strings.HasSuffix(written, "."+a.text)
	case "field", "method":
		return written == a.text
	}
	return strings.Contains(written, a.text)
}

// nothing is the error for an anchor that is not in the declaration.
func (a anchor) nothing(symbol string, there []string) error {
	wanted := a.what
	if a.text != "" {
		wanted += " " + a.text
	}
	if a.n > 1 {
		wanted += " " + strconv.Itoa(a.n)
	}
	if len(there) == 0 {
		return fmt.Errorf("no %s in %s, which has none at all", wanted, symbol)
	}
	const most = 30
	seen := make([]string, 0, len(there))
	for _, t := range there {
		if t != "" && !slices.Contains(seen, t) {
			seen = append(seen, t)
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("no %s in %s, which has %d", wanted, symbol, len(there))
	}
	more := ""
	if len(seen) > most {
		seen, more = seen[:most], ", …"
	}
	return fmt.Errorf("no %s in %s; there is: %s%s", wanted, symbol, strings.Join(seen, ", "), more)
}

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
