package source

import (
	"go/ast"
	"strings"
)

// splitName takes "(*Server).Serve" apart into "*Server" and "Serve".
func splitName(name string) (receiver, short string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	receiver = strings.TrimSuffix(strings.TrimPrefix(name[:i], "("), ")")
	receiver, _, _ = strings.Cut(receiver, "[")
	return receiver, name[i+1:]
}

// declaration finds a symbol among a file's declarations; nil when it is not
// there. A declaration that stands alone includes its keyword.
func declaration(file *ast.File, receiver, name string) ast.Node {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == name && receiverOf(d) == receiver {
				return d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				node := inSpec(spec, receiver, name)
				if node == spec && !d.Lparen.IsValid() {
					return d
				}
				if node != nil {
					return node
				}
			}
		}
	}
	return nil
}

// inSpec finds types, constants, variables, and methods of interfaces.
func inSpec(spec ast.Spec, receiver, name string) ast.Node {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if receiver == "" && s.Name.Name == name {
			return s
		}
		if in, ok := s.Type.(*ast.InterfaceType); ok && s.Name.Name == receiver {
			return fieldNamed(in.Methods, name)
		}
	case *ast.ValueSpec:
		for _, n := range s.Names {
			if receiver == "" && n.Name == name {
				return s
			}
		}
	}
	return nil
}

// fieldNamed finds a field or a method in its list. What is embedded has the
// name of its type.
func fieldNamed(list *ast.FieldList, name string) ast.Node {
	for _, f := range list.List {
		for _, n := range f.Names {
			if n.Name == name {
				return f
			}
		}
		if len(f.Names) == 0 && baseName(f.Type) == name {
			return f
		}
	}
	return nil
}

// receiverOf returns a method's type as a symbol has it, "*T" or "T"; "" for a
// function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		return "*" + baseName(star.X)
	}
	return baseName(t)
}

// nameOf writes a function or method as a symbol has it.
func nameOf(d *ast.FuncDecl) string {
	receiver := receiverOf(d)
	switch {
	case receiver == "":
		return d.Name.Name
	case receiver[0] == '*':
		return "(" + receiver + ")." + d.Name.Name
	}
	return receiver + "." + d.Name.Name
}

// baseName is the last word of a type's name, without pointer, package and type
// parameters.
func baseName(t ast.Expr) string {
	switch x := t.(type) {
	case *ast.StarExpr:
		return baseName(x.X)
	case *ast.ParenExpr:
		return baseName(x.X)
	case *ast.IndexExpr:
		return baseName(x.X)
	case *ast.IndexListExpr:
		return baseName(x.X)
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.Ident:
		return x.Name
	}
	return ""
}
