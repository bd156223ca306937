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

// anchor names a place inside a declaration, including its function literals:
// "at WHAT [TEXT] [n]". n counts the matches in the order of the source, from 1; its
// default is 1.
//
//	at call X      a call of X, or of a name that ends with .X
//	at select      a select; likewise for, if, switch, go, defer, return
//	at if TEXT     an if whose condition contains TEXT; likewise for, switch, go,
//	               defer, return, by the text after the keyword
//	at case TEXT   a case of a switch or a select whose list contains TEXT, or "default"
//	at send X      a send on channel X, or on a channel whose name ends with .X
//	at recv X      a receive from such a channel
//	at assign X    an assignment to, or a declaration of, X or a name that ends with .X
//	at field X     a field of a struct type
//	at method X    a method of an interface type
type anchor struct {
	what string
	text string
	n    int
}

// The values of WHAT that require a TEXT, and those for which it is optional.
var (
	kindsWithText  = []string{"call", "case", "send", "recv", "assign", "field", "method"}
	statementKinds = []string{"select", "for", "if", "switch", "go", "defer", "return"}
)

var errNotAnchor = errors.New(`want "at WHAT [TEXT] [n]"; WHAT is one of ` +
	strings.Join(kindsWithText, ", ") + ", which take a text, " + strings.Join(statementKinds, ", ") + ", which may")

// parseAnchor parses an anchor. It returns two readings if the last of several words
// is a number, as in `at case len(x) == 2`: first the one with the number as part of
// the text, then the one with it as n. The caller takes the first that matches the
// source. The error describes the syntax of anchors.
func parseAnchor(text string) (readings []anchor, err error) {
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "at" {
		return nil, fmt.Errorf("%q: %w", text, errNotAnchor)
	}
	what, rest := words[1], words[2:]
	statement := slices.Contains(statementKinds, what)
	if len(rest) == 0 && !statement || !statement && !slices.Contains(kindsWithText, what) {
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

// matches reports whether a text of the source, from nodeTexts, is what the anchor
// names.
func (a anchor) matches(text string) bool {
	switch a.what {
	case "call", "send", "recv", "assign":
		return text == a.text || strings.HasSuffix(text, "."+a.text)
	case "field", "method":
		return text == a.text
	}
	return strings.Contains(text, a.text)
}

// notFound returns the error for an anchor that the declaration does not contain.
// texts are those of the candidates that it does contain.
func (a anchor) notFound(symbol string, texts []string) error {
	wanted := a.what
	if a.text != "" {
		wanted += " " + a.text
	}
	if a.n > 1 {
		wanted += " " + strconv.Itoa(a.n)
	}
	if len(texts) == 0 {
		return fmt.Errorf("no %s in %s, which has none at all", wanted, symbol)
	}
	const most = 30
	seen := make([]string, 0, len(texts))
	for _, t := range texts {
		if t != "" && !slices.Contains(seen, t) {
			seen = append(seen, t)
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("no %s in %s, which has %d", wanted, symbol, len(texts))
	}
	more := ""
	if len(seen) > most {
		seen, more = seen[:most], ", …"
	}
	return fmt.Errorf("no %s in %s; there is: %s%s", wanted, symbol, strings.Join(seen, ", "), more)
}

// candidate is a node that an anchor may name, with one of the texts of the node.
type candidate struct {
	node    ast.Node
	parents []ast.Node // the enclosing nodes, the outermost first
	order   token.Pos  // by which candidates are sorted and counted
	text    string     // compared with the anchor's text
}

// mark returns the lines of the statement that an anchor names. If the anchor matches
// nothing, the error lists the candidates.
func (d *symbolDecl) mark(text string) (first, last int, err error) {
	readings, err := parseAnchor(text)
	if err != nil {
		return 0, 0, err
	}
	all := candidates(d.node, readings[0].what)
	for _, a := range readings {
		if c, ok := a.choose(all); ok {
			first, last = d.file.markOf(c)
			return first, last, nil
		}
	}
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.text
	}
	return 0, 0, readings[len(readings)-1].notFound(d.symbol, texts)
}

// choose returns the n-th candidate that matches; ok is false if there are fewer.
func (a anchor) choose(all []candidate) (candidate, bool) {
	if a.what == "case" || a.text != "" && slices.Contains(statementKinds, a.what) {
		all = exactFirst(all, a.text)
	}
	count := 0
	for _, c := range all {
		if !a.matches(c.text) {
			continue
		}
		if count++; count == a.n {
			return c, true
		}
	}
	return candidate{}, false
}

// exactFirst returns the candidates whose text equals text, or all if none does: "0"
// means "case 0" and not "case 10".
func exactFirst(all []candidate, text string) []candidate {
	var exact []candidate
	for _, c := range all {
		if c.text == text {
			exact = append(exact, c)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return all
}

// candidates returns all nodes of a kind in a declaration, in the order of the
// source. A node with several texts occurs once for each.
func candidates(root ast.Node, what string) (all []candidate) {
	var parents []ast.Node
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		if texts, order, ok := nodeTexts(n, what, parents); ok {
			for _, text := range texts {
				all = append(all, candidate{n, slices.Clone(parents), order, text})
			}
		}
		parents = append(parents, n)
		return true
	})
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.order, b.order) })
	return all
}

// nodeTexts returns the texts by which an anchor can name a node of the kind what, and
// the position by which such nodes are ordered. A node without a text, such as a
// select, has one empty text. ok is false if the node is not of this kind.
func nodeTexts(n ast.Node, what string, parents []ast.Node) (texts []string, order token.Pos, ok bool) {
	switch what {
	case "call":
		if call, ok := n.(*ast.CallExpr); ok {
			// The two calls of a().b() begin at the same position.
			return []string{callee(call)}, call.Lparen, true
		}
		return nil, 0, false
	case "case":
		texts, ok = caseTexts(n)
	case "send":
		if send, is := n.(*ast.SendStmt); is {
			return []string{types.ExprString(send.Chan)}, send.Arrow, true
		}
	case "recv":
		if recv, is := n.(*ast.UnaryExpr); is && recv.Op == token.ARROW {
			return []string{types.ExprString(recv.X)}, recv.OpPos, true
		}
	case "assign":
		texts = assignedTexts(n)
		ok = len(texts) > 0
	case "field", "method":
		texts, ok = memberNames(n, what, parents)
	default:
		var text string
		text, ok = statementText(n, what)
		texts = []string{text}
	}
	return texts, n.Pos(), ok
}

// callee returns the text of a called function, without type arguments.
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

// statementText returns the text after a statement's keyword: the condition of an if,
// the operand of a range, the function that a go starts. ok is false if the node is
// not a statement of the kind what.
func statementText(n ast.Node, what string) (text string, ok bool) {
	switch s := n.(type) {
	case *ast.SelectStmt:
		return "", what == "select"
	case *ast.ForStmt:
		return exprTexts(s.Cond), what == "for"
	case *ast.RangeStmt:
		return "range " + exprTexts(s.X), what == "for"
	case *ast.IfStmt:
		return exprTexts(s.Cond), what == "if"
	case *ast.SwitchStmt:
		return exprTexts(s.Tag), what == "switch"
	case *ast.TypeSwitchStmt:
		return printStmt(s.Assign), what == "switch"
	case *ast.GoStmt:
		return callee(s.Call), what == "go"
	case *ast.DeferStmt:
		return callee(s.Call), what == "defer"
	case *ast.ReturnStmt:
		return exprTexts(s.Results...), what == "return"
	}
	return "", false
}

// exprTexts returns the expressions, separated by commas. It skips nil.
func exprTexts(list ...ast.Expr) string {
	var texts []string
	for _, x := range list {
		if x != nil {
			texts = append(texts, types.ExprString(x))
		}
	}
	return strings.Join(texts, ", ")
}

// caseTexts returns the text of a case's list, or "default".
func caseTexts(n ast.Node) ([]string, bool) {
	switch c := n.(type) {
	case *ast.CaseClause:
		return []string{orDefault(exprTexts(c.List...))}, true
	case *ast.CommClause:
		if c.Comm == nil {
			return []string{orDefault("")}, true
		}
		return []string{printStmt(c.Comm)}, true
	}
	return nil, false
}

func orDefault(list string) string {
	if list == "" {
		return "default"
	}
	return list
}

// printStmt returns a short statement on one line, such as the receive in a case of a
// select.
func printStmt(s ast.Stmt) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), s); err != nil {
		return ""
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// assignedTexts returns the texts on the left side of an assignment, a declaration or
// a range. For m[k] = v it returns both "m[k]" and "m".
func assignedTexts(n ast.Node) (texts []string) {
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
		texts = append(texts, types.ExprString(x))
		if at, ok := x.(*ast.IndexExpr); ok {
			texts = append(texts, types.ExprString(at.X))
		}
	}
	return texts
}

// memberNames returns the names that a field of a struct (what is "field") or a method
// of an interface (what is "method") declares.
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

// maxMarkedLines is the length of the longest statement that is marked as a whole. Of
// a longer one, only the head is marked.
const maxMarkedLines = 12

// markOf returns the lines to mark for a candidate: those of the innermost statement
// that contains it. If that statement has a block and the candidate is in its head, as
// a call in the condition of an if, only the lines of the head are marked.
func (f *file) markOf(c candidate) (first, last int) {
	node := enclosing(c)
	first, last = f.line(node.Pos()), f.line(node.End()-1)
	inHead := node != c.node && hasHead(node)
	if head := f.line(headOf(node)); inHead || last-first >= maxMarkedLines {
		last = head
	}
	return first, last
}

// enclosing returns the innermost markable node that contains the candidate, which may
// be the candidate itself. Outside any, it returns the candidate's node.
func enclosing(c candidate) ast.Node {
	if isMarkable(c.node) {
		return c.node
	}
	for i := len(c.parents) - 1; i >= 0; i-- {
		if isMarkable(c.parents[i]) {
			return c.parents[i]
		}
	}
	return c.node
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

// hasHead reports whether a node is a statement whose head, before its block or list,
// may contain other statements and calls.
func hasHead(n ast.Node) bool {
	switch n.(type) {
	case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.CaseClause, *ast.CommClause:
		return true
	}
	return false
}

// headOf returns the end of a statement's head: where its first block begins, which
// may be the body of a function literal, or the end of a statement without blocks.
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
