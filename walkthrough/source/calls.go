package source

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
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

// scope is where a name is looked up: a package, and the imports of a file.
type scope struct {
	pkg  string
	file *file
}

// typeName is a named type.
type typeName struct{ pkg, name string }

// typeOf follows a variable and its fields.
func (r *resolver) typeOf(x ast.Expr) typeName {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return r.types[x.Name]
	case *ast.SelectorExpr:
		of := r.typeOf(x.X)
		if of.name == "" {
			return typeName{}
		}
		d, err := r.library.declaration(of.pkg + "." + of.name)
		if err != nil {
			return typeName{}
		}
		return fieldType(scope{of.pkg, d.file}, d.node, x.Sel.Name)
	}
	return typeName{}
}

// fieldType is the type of a struct's own field.
func fieldType(in scope, declaration ast.Node, field string) (t typeName) {
	ast.Inspect(declaration, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			if f, ok := fieldNamed(s.Fields, field).(*ast.Field); ok {
				t = in.typeOf(f.Type)
			}
		}
		return false
	})
	return t
}

// typeOf names a type as it is written in this scope; without a name when it
// has none, as a func or a map.
func (in scope) typeOf(t ast.Expr) typeName {
	switch x := t.(type) {
	case *ast.StarExpr:
		return in.typeOf(x.X)
	case *ast.IndexExpr:
		return in.typeOf(x.X)
	case *ast.IndexListExpr:
		return in.typeOf(x.X)
	case *ast.Ident:
		return typeName{in.pkg, x.Name}
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok {
			return typeName{in.importOf(id.Name), x.Sel.Name}
		}
	}
	return typeName{}
}

// importOf returns the path that a package's name stands for in a file: by the
// name that the import gives it, else by the last word of its path.
func (in scope) importOf(name string) string {
	for _, spec := range in.file.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && lastWord(imported) == name {
			return imported
		}
	}
	return ""
}

// lastWord of an import path, without a major version: "raft" of
// go.etcd.io/raft/v3.
func lastWord(imported string) string {
	base := path.Base(imported)
	if digits, ok := strings.CutPrefix(base, "v"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" && base != imported {
		base = path.Base(path.Dir(imported))
	}
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimPrefix(base, "go-")
}
