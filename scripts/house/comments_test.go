package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
)

// checkPackageComments finds packages without a package comment.
func checkPackageComments(t tree) []string {
	explained := make(map[string]bool)
	for _, src := range t.sources() {
		if !src.test {
			explained[src.dir] = explained[src.dir] || src.Doc != nil
		}
	}
	var problems []string
	for _, dir := range slices.Sorted(maps.Keys(explained)) {
		if !explained[dir] {
			problems = append(problems, dir+": no package comment")
		}
	}
	return problems
}

// checkExported finds exported names without a comment.
func checkExported(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		if src.test {
			continue
		}
		for _, decl := range src.Decls {
			for _, name := range undocumented(decl) {
				problems = append(problems, fmt.Sprintf("%s: %s has no comment", src.at(name.Pos()), name.Name))
			}
		}
	}
	return problems
}

func undocumented(decl ast.Decl) []*ast.Ident {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Doc == nil && decl.Name.IsExported() && reachable(decl) && !wellKnown[decl.Name.Name] {
			return []*ast.Ident{decl.Name}
		}
	case *ast.GenDecl:
		if decl.Tok == token.IMPORT {
			return nil
		}
		return undocumentedSpecs(decl)
	}
	return nil
}

// undocumentedSpecs accepts a comment above a group, above a line or after it. A type
// needs a comment of its own, even in a group.
func undocumentedSpecs(decl *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			own := spec.Doc != nil || decl.Doc != nil && !decl.Lparen.IsValid()
			if spec.Name.IsExported() && !own {
				names = append(names, spec.Name)
			}
		case *ast.ValueSpec:
			if decl.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				names = append(names, exportedOf(spec.Names)...)
			}
		}
	}
	return names
}

func exportedOf(names []*ast.Ident) []*ast.Ident {
	return slices.DeleteFunc(slices.Clone(names), func(id *ast.Ident) bool { return !id.IsExported() })
}

// wellKnown are methods whose meaning the standard library defines.
var wellKnown = map[string]bool{"Error": true, "String": true, "Unwrap": true, "Is": true, "As": true, "Len": true, "Less": true, "Swap": true, "MarshalText": true, "UnmarshalText": true}

// reachable reports whether a function can be called from outside: a method of
// an unexported type is explained by the interface that it is called through.
func reachable(fn *ast.FuncDecl) bool {
	if fn.Recv == nil || len(fn.Recv.List) == 0 {
		return true
	}
	recv := fn.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if generic, ok := recv.(*ast.IndexExpr); ok {
		recv = generic.X
	}
	id, ok := recv.(*ast.Ident)
	return ok && id.IsExported()
}
