package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glasskv/scripts/overlay/truth"
)

// insertion is text that goes into a file at an offset.
type insertion struct {
	at   int
	text string
}

// patchAll inserts a call for every target and returns the overlay: which file
// below link is replaced by which one in dir.
func patchAll(source, link, dir string) (map[string]string, error) {
	edits := make(map[string][]insertion) // by file, relative to the module
	for point := range truth.Targets {
		file, edit, err := find(source, truth.Point(point), truth.Targets[point])
		if err != nil {
			return nil, err
		}
		edits[file] = append(edits[file], edit)
	}
	replaced := make(map[string]string)
	for file, inserts := range edits {
		patched := filepath.Join(dir, strings.ReplaceAll(file, string(filepath.Separator), "_"))
		if err := patch(filepath.Join(source, file), patched, inserts); err != nil {
			return nil, err
		}
		replaced[filepath.Join(link, file)] = patched
	}
	return replaced, nil
}

// find looks for a target's function and says where its call is to stand: at the
// very beginning of the body, so that the deferred exit is the last to run.
func find(source string, point truth.Point, target truth.Target) (file string, edit insertion, err error) {
	names, err := filepath.Glob(filepath.Join(source, target.Package, "*.go"))
	if err != nil {
		return "", edit, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return "", edit, err
		}
		for _, decl := range parsed.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil || symbol(fn) != target.Func {
				continue
			}
			file, err = filepath.Rel(source, name)
			return file, insertion{fset.Position(fn.Body.Lbrace).Offset + 1, call(point, target)}, err
		}
	}
	return "", edit, fmt.Errorf("%s.%s: no such function in this version", filepath.Join(grpcModule, target.Package), target.Func)
}

func call(point truth.Point, target truth.Target) string {
	text := fmt.Sprintf("truth.Enter(%d); defer truth.Exit(%d);", point, point)
	if target.If != "" {
		text = fmt.Sprintf("if %s { %s };", target.If, text)
	}
	return " " + text
}

// symbol writes a function as the catalogue does: "Func" or "(*Type).Method".
func symbol(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	switch recv := fn.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if id, ok := recv.X.(*ast.Ident); ok {
			return "(*" + id.Name + ")." + fn.Name.Name
		}
	case *ast.Ident:
		return recv.Name + "." + fn.Name.Name
	}
	return ""
}

// patch copies a file with the insertions and the import they need, all on lines
// that are there already, so that line numbers stay what they are.
func patch(from, to string, inserts []insertion) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), from, content, parser.PackageClauseOnly)
	if err != nil {
		return err
	}
	inserts = append(inserts, insertion{int(parsed.Name.End()) - 1, `; import truth "glasskv/scripts/overlay/truth"`})
	slices.SortFunc(inserts, func(a, b insertion) int { return cmp.Compare(b.at, a.at) })
	for _, in := range inserts { // from the end, so that offsets stay valid
		content = slices.Insert(content, in.at, []byte(in.text)...)
	}
	return os.WriteFile(to, content, 0o600)
}
