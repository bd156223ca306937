package source

import (
	"go/ast"
	"path"
	"strconv"
	"strings"
)

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
