package source

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Calls returns the symbols of the functions and methods that a declaration calls,
// each once, in the order of the source. It resolves calls by syntax and imports
// alone: functions of this package and of imported packages, and methods of the
// receiver, of parameters and of their fields. It omits calls of local variables and
// of results, and functions whose source is not on this disk. The call of an interface
// method yields the interface's method, not an implementation. The error is ErrNotHere
// or ErrNoSymbol.
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
	for _, c := range candidates(d.node, "call") {
		call, ok := c.node.(*ast.CallExpr)
		if !ok {
			continue
		}
		if name := r.callee(in, ast.Unparen(call.Fun)); name != "" && !slices.Contains(calls, name) {
			calls = append(calls, name)
		}
	}
	return calls, nil
}

// resolver resolves the calls of one function.
type resolver struct {
	library *Library
	types   map[string]typeName // by local variable; the zero typeName if its type is unknown
}

// declare records the types of a receiver or of parameters.
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

// forget marks the types of all names that are declared inside the function as
// unknown: syntax alone does not give them.
func (r *resolver) forget(fn *ast.FuncDecl) {
	if fn.Body == nil {
		return // written in assembly
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if assign, ok := n.(*ast.AssignStmt); ok && assign.Tok.String() != ":=" {
			return true
		}
		for _, name := range assignedTexts(n) {
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

// callee returns the symbol of a called function, or "" if it cannot be resolved.
func (r *resolver) callee(in scope, fun ast.Expr) string {
	switch f := fun.(type) {
	case *ast.IndexExpr:
		return r.callee(in, f.X)
	case *ast.IndexListExpr:
		return r.callee(in, f.X)
	case *ast.Ident:
		if _, local := r.types[f.Name]; !local {
			return r.callable(in.pkg + "." + f.Name)
		}
	case *ast.SelectorExpr:
		if id, ok := f.X.(*ast.Ident); ok {
			if _, local := r.types[id.Name]; !local {
				return r.callable(in.importOf(id.Name) + "." + f.Sel.Name)
			}
		}
		if t := r.typeOf(f.X); t.name != "" {
			return r.method(t, f.Sel.Name)
		}
	}
	return ""
}

func (r *resolver) method(t typeName, name string) string {
	if symbol := r.callable(t.pkg + ".(*" + t.name + ")." + name); symbol != "" {
		return symbol
	}
	return r.callable(t.pkg + "." + t.name + "." + name)
}

// callable returns symbol if it is that of a function or of a method, and "" if not:
// a conversion looks like a call.
func (r *resolver) callable(symbol string) string {
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

// scope is where a name is looked up: in a package, and in the imports of a file.
type scope struct {
	pkg  string
	file *file
}

// typeName is the name of a type, with the import path of its package.
type typeName struct{ pkg, name string }

// typeOf returns the type of a local variable, or of a field reached from one. If it
// is unknown, typeOf returns the zero typeName.
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

// fieldType returns the type of a struct's field. Fields of embedded structs are not
// found.
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

// typeOf returns the name of the type that an expression denotes in this scope,
// without pointers and type arguments. It is zero for a type without a name, such as
// a func or a map.
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

// importOf returns the import path of a package's name in this file, or "". An import
// without an explicit name is found by the packageName of its path.
func (in scope) importOf(name string) string {
	for _, spec := range in.file.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && packageName(imported) == name {
			return imported
		}
	}
	return ""
}

// packageName returns the usual package name of an import path: its last element
// without a major version, such as "raft" for go.etcd.io/raft/v3.
func packageName(imported string) string {
	base := path.Base(imported)
	if digits, ok := strings.CutPrefix(base, "v"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" && base != imported {
		base = path.Base(path.Dir(imported))
	}
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimPrefix(base, "go-")
}
