package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// modulePath is the product's module; its folders are named relative to it.
const modulePath = "glasskv"

// tree is the repository: path, with slashes and relative to the root, to
// content.
type tree map[string]string

// load reads the files that git knows, and the new ones that it does not ignore.
func load(root string) (tree, error) {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	t := make(tree)
	for name := range strings.SplitSeq(string(bytes.TrimRight(out, "\x00")), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // removed, and the removal not committed yet
		}
		if err != nil {
			return nil, err
		}
		t[name] = string(content)
	}
	return t, nil
}

// with returns the paths that end in suffix, sorted.
func (t tree) with(suffix string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
	}
	return names
}

// has reports whether the tree holds a file or a folder of that name.
func (t tree) has(name string) bool {
	if _, ok := t[name]; ok || name == "." {
		return true
	}
	for file := range t {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// source is a parsed Go file.
type source struct {
	name string // its path in the tree
	dir  string // its folder; "." at the top
	test bool
	*ast.File
}

// positions has the positions of all files that are parsed.
var positions = token.NewFileSet()

// at returns a position as "file:line".
func (s *source) at(pos token.Pos) string {
	return fmt.Sprintf("%s:%d", s.name, positions.Position(pos).Line)
}

// sources parses every Go file of the tree but those in testdata. It leaves out a file
// that does not parse, about which the compiler complains.
func (t tree) sources() []*source {
	var all []*source
	for _, name := range t.with(".go") {
		if strings.Contains(name, "/testdata/") {
			continue
		}
		file, err := parser.ParseFile(positions, name, t[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		test := strings.HasSuffix(name, "_test.go")
		all = append(all, &source{name: name, dir: path.Dir(name), test: test, File: file})
	}
	return all
}

// calls returns every use of pkg.name. It takes pkg for the package's name in the file,
// since imports from the standard library are not renamed here.
func (s *source) calls(pkg string, names ...string) []*ast.SelectorExpr {
	var found []*ast.SelectorExpr
	ast.Inspect(s.File, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(names, sel.Sel.Name) {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg {
			found = append(found, sel)
		}
		return true
	})
	return found
}
