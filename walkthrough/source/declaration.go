package source

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// folder is a package's folder. Its files are read on first use. Each is parsed only
// if it may declare a wanted symbol.
type folder struct {
	dir   string
	once  sync.Once
	files []*file // the files for this operating system and processor first
	err   error   // why reading failed
}

// file is one Go file, parsed without its comments; tokenize reads them.
type file struct {
	path string
	text []byte

	once sync.Once
	set  *token.FileSet
	ast  *ast.File
	err  error // why parsing failed
}

// folder returns the folder dir, read at most once. It returns an error if dir does
// not exist or has no Go files.
func (l *Library) folder(dir string) (*folder, error) {
	l.mu.Lock()
	f := l.packages[dir]
	if f == nil {
		f = &folder{dir: dir}
		l.packages[dir] = f
	}
	l.mu.Unlock()
	f.once.Do(f.read)
	return f, f.err
}

// read reads the Go files. It puts those for this operating system and processor
// first, because a function may have a body for each system.
func (f *folder) read() {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		f.err = err
		return
	}
	var others []*file
	for _, entry := range entries {
		name := entry.Name()
		if entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		path := filepath.Join(f.dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			f.err = err
			return
		}
		src := &file{path: path, text: text}
		if match, err := build.Default.MatchFile(f.dir, name); err == nil && match {
			f.files = append(f.files, src)
		} else {
			others = append(others, src)
		}
	}
	f.files = append(f.files, others...)
	if len(f.files) == 0 {
		f.err = fmt.Errorf("%s: no Go files: %w", f.dir, os.ErrNotExist)
	}
}

// find returns the declaration of a name of the package, such as "New" or
// "(*Server).Serve". If the package does not declare it, the error is ErrNoSymbol and
// lists the functions of the same name with other receivers.
func (f *folder) find(name string) (*file, ast.Node, error) {
	receiver, short := splitName(name)
	for _, src := range f.files {
		if !bytes.Contains(src.text, []byte(short)) {
			continue
		}
		if err := src.parse(); err != nil {
			return nil, nil, err
		}
		if node := findDecl(src.ast, receiver, short); node != nil {
			return src, node, nil
		}
	}
	if others := f.namesakes(short); len(others) > 0 {
		return nil, nil, fmt.Errorf("%w; there is %s", ErrNoSymbol, strings.Join(others, ", "))
	}
	return nil, nil, fmt.Errorf("%w; there is none of that name in its package", ErrNoSymbol)
}

// namesakes returns the functions and methods called short, each with its receiver.
func (f *folder) namesakes(short string) (names []string) {
	for _, src := range f.files {
		if !bytes.Contains(src.text, []byte(short)) || src.parse() != nil {
			continue
		}
		for _, decl := range src.ast.Decls {
			if d, ok := decl.(*ast.FuncDecl); ok && d.Name.Name == short {
				names = append(names, nameOf(d))
			}
		}
	}
	return names
}

func (f *file) parse() error {
	f.once.Do(func() {
		f.set = token.NewFileSet()
		f.ast, f.err = parser.ParseFile(f.set, f.path, f.text, parser.SkipObjectResolution)
	})
	return f.err
}

func (f *file) line(pos token.Pos) int   { return f.set.PositionFor(pos, false).Line }
func (f *file) offset(pos token.Pos) int { return f.set.PositionFor(pos, false).Offset }

// splitName splits "(*Server).Serve" into "*Server" and "Serve".
func splitName(name string) (receiver, short string) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name
	}
	receiver = strings.TrimSuffix(strings.TrimPrefix(name[:i], "("), ")")
	receiver, _, _ = strings.Cut(receiver, "[")
	return receiver, name[i+1:]
}

// findDecl returns the declaration of a name in a file, or nil. The node of a
// declaration outside a parenthesized group includes its keyword.
func findDecl(file *ast.File, receiver, name string) ast.Node {
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

// inSpec returns the type, constant, variable or interface method that a spec
// declares by this name, or nil.
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

// fieldNamed returns the field or the interface method of this name, or nil. An
// embedded field has the name of its type.
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

// receiverOf returns the type of a method's receiver, "*T" or "T", or "" for a
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

// nameOf returns the name of a function or method as symbols have it: "F", "T.M" or
// "(*T).M".
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

// baseName returns a type's name without pointer, package and type parameters.
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
