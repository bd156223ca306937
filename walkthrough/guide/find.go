package guide

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// found is a declaration in a file.
type found struct {
	file       string
	first, end int // lines
}

// find looks for a symbol in the Go files of a directory: "Func", "Type",
// "Type.Method" or "(*Type).Method", methods of interfaces included. It returns
// os.ErrNotExist when the package has no such symbol.
func find(dir, symbol string) (found, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return found{}, err
	}
	receiver, name := splitSymbol(symbol)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return found{}, err
		}
		if !bytes.Contains(text, []byte(name)) {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
		if err != nil {
			return found{}, err
		}
		if node := declaration(parsed, receiver, name); node != nil {
			return found{file, set.Position(node.Pos()).Line, set.Position(node.End()).Line}, nil
		}
	}
	return found{}, fmt.Errorf("%s in %s: %w", symbol, dir, os.ErrNotExist)
}

// splitSymbol takes "(*Server).Serve" apart into "Server" and "Serve".
func splitSymbol(symbol string) (receiver, name string) {
	i := strings.LastIndexByte(symbol, '.')
	if i < 0 {
		return "", symbol
	}
	return strings.Trim(symbol[:i], "(*)"), symbol[i+1:]
}

func declaration(file *ast.File, receiver, name string) ast.Node {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Name.Name == name && receiverOf(d) == receiver {
				return d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if node := inSpec(spec, receiver, name); node != nil {
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
			return named(in.Methods.List, name)
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

func named(fields []*ast.Field, name string) ast.Node {
	for _, f := range fields {
		for _, n := range f.Names {
			if n.Name == name {
				return f
			}
		}
	}
	return nil
}

// receiverOf returns the name of a method's type; "" for a function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
