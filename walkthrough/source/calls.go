package source

import (
	"go/ast"
	"slices"
)

// Calls returns the functions and methods that a declaration calls, each once,
// in the order of the source. Syntax and imports tell them: functions of this
// package and of imported ones, and methods of the receiver, of parameters and
// of their fields. Calls of local variables and of results are left out, as is
// what is not on this disk. A method of an interface stays one: who implements
// it is not known. It returns ErrNotHere or ErrNoSymbol.
func (l *Library) Calls(symbol string) ([]string, error) {
	d, err := l.declaration(symbol)
	if err != nil {
		return nil, err
	}
	pkg, _, _ := Cut(symbol)
	r := &resolver{library: l, types: make(map[string]typeName)}
	in := scope{pkg, d.file}
	if fn, ok := d.node.(*ast.FuncDecl); ok {
		r.declare(in, fn.Recv)
		r.declare(in, fn.Type.Params)
		r.forget(fn)
	}
	var calls []string
	for _, p := range places(d.node, "call") {
		call, ok := p.node.(*ast.CallExpr)
		if !ok {
			continue
		}
		if name := r.callee(in, ast.Unparen(call.Fun)); name != "" && !slices.Contains(calls, name) {
			calls = append(calls, name)
		}
	}
	return calls, nil
}

// resolver knows the types of the names that a function begins with.
type resolver struct {
	library *Library
	types   map[string]typeName // by variable; without a name when it is not known
}

// declare remembers the types of a receiver or of parameters.
func (r *resolver) declare(in scope, list *ast.FieldList) {
	if list == nil {
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			r.types[name.Name] = in.typeOf(field.Type)
		}
	}
}

// forget takes names out that are declared anew inside the function: what they
// are there syntax does not tell.
func (r *resolver) forget(fn *ast.FuncDecl) {
	if fn.Body == nil {
		return // written in assembly
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if assign, ok := n.(*ast.AssignStmt); ok && assign.Tok.String() != ":=" {
			return true
		}
		for _, name := range assigned(n) {
			r.types[name] = typeName{}
		}
		if lit, ok := n.(*ast.FuncLit); ok {
			for _, field := range lit.Type.Params.List {
				for _, name := range field.Names {
					r.types[name.Name] = typeName{}
				}
			}
		}
		return true
	})
}

// callee returns the symbol of a called function; "" when it is not known.
func (r *resolver) callee(in scope, fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.IndexExpr:
		return r.callee(in, f.X)
	case *ast.IndexListExpr:
		return r.callee(in, f.X)
	case *ast.Ident:
		if _, local := r.types[f.Name]; !local {
			return r.known(in.pkg + "." + f.Name)
		}
	case *ast.SelectorExpr:
		if id, ok := f.X.(*ast.Ident); ok {
			if _, local := r.types[id.Name]; !local {
				return r.known(in.importOf(id.Name) + "." + f.Sel.Name)
			}
		}
		if t := r.typeOf(f.X); t.name != "" {
			return r.method(t, f.Sel.Name)
		}
	}
	return ""
}

func (r *resolver) method(t typeName, name string) string {
	if symbol := r.known(t.pkg + ".(*" + t.name + ")." + name); symbol != "" {
		return symbol
	}
	return r.known(t.pkg + "." + t.name + "." + name)
}

// known returns the symbol when it is that of a function or of a method; a
// conversion looks like a call.
func (r *resolver) known(symbol string) string {
	d, err := r.library.declaration(symbol)
	if err != nil {
		return ""
	}
	switch d.node.(type) {
	case *ast.FuncDecl, *ast.Field:
		return symbol
	}
	return ""
}
