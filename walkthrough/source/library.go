// Package source reads declarations of upstream's code from the reader's own disk:
// from the module cache or a vendor folder, at the module version that this binary
// was built with, and from the Go release that built it for the standard library. No
// upstream code is copied into GlassKV.
//
//	library.go      Library: from a symbol and an anchor to an Excerpt; the errors
//	module.go       a package's module and version, its place on disk and on the Web
//	declaration.go  the files of a package, read and parsed once; symbols in them
//	anchor.go       "at call fileutil.Fdatasync": parsed, and found in a declaration
//	excerpt.go      Excerpt: lines as tokens, the lines that fit a screen, the hash
//	calls.go        the functions that a function calls
//
// A symbol is an import path, a full stop, and "Func", "Type", "Type.Method" or
// "(*Type).Method": go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync. Constants and
// variables are found as well. Type parameters are left out.
package source

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"path/filepath"
	"strings"
	"sync"
)

// ErrNotHere is returned when the source is not on this disk. The error is a
// *NotHereError, which names the command to run.
var ErrNotHere = errors.New("source is not on this disk")

// ErrNoSymbol is returned when the package is on this disk but does not declare the
// symbol, and when a text is not a symbol.
var ErrNoSymbol = errors.New("no such symbol")

// ErrNoAnchor is returned when the declaration does not contain what the anchor
// names, and when a text is not an anchor. The message lists what could be named.
var ErrNoAnchor = errors.New("no such anchor")

// NotHereError says which module's source is missing and how to get it.
type NotHereError struct {
	Module  string // path@version, or the Go release; the package path if its module is unknown to this binary
	Command string // downloads the module; "" if its version is unknown
	NoGo    bool   // this machine has no go command to run Command with
}

func (e *NotHereError) Error() string {
	switch {
	case e.Command == "":
		return fmt.Sprintf("%v: this binary does not know its version of %s", ErrNotHere, e.Module)
	case e.NoGo:
		return fmt.Sprintf("%v: %s: there is no go command either; install Go, then run `%s`", ErrNotHere, e.Module, e.Command)
	}
	return fmt.Sprintf("%v: %s: run `%s`", ErrNotHere, e.Module, e.Command)
}

// Is reports whether target is ErrNotHere.
func (e *NotHereError) Is(target error) bool { return target == ErrNotHere }

// Library finds upstream's source on the reader's own disk, and caches what it has
// read. It is safe for concurrent use.
type Library struct {
	places Places

	mu       sync.Mutex
	packages map[string]*folder // by directory
}

// NewLibrary returns a Library of the modules that this binary was built with. It
// runs the go command to locate them. If something is missing, the errors of Excerpt
// say so. A test binary does not know its modules: tests use ForModule.
func NewLibrary() *Library { return New(builtPlaces()) }

// ForModule returns a Library at the versions of the go.mod in dir or above it; ""
// means the working directory. It returns an error if the go command cannot read the
// go.mod.
func ForModule(ctx context.Context, dir string) (*Library, error) {
	p, err := modulePlaces(ctx, dir)
	if err != nil {
		return nil, err
	}
	return New(p), nil
}

// New returns a Library that reads from the given places.
func New(p Places) *Library {
	return &Library{places: p, packages: make(map[string]*folder)}
}

// Excerpt returns the declaration of a symbol, without its doc comment. The statement
// that the anchor names is marked; an empty anchor marks nothing. The error is
// ErrNotHere, ErrNoSymbol or ErrNoAnchor. With ErrNoAnchor, Excerpt also returns the
// declaration, unmarked.
func (l *Library) Excerpt(symbol, anchor string) (*Excerpt, error) {
	d, err := l.declaration(symbol)
	if err != nil {
		return nil, err
	}
	e := d.excerpt()
	if anchor == "" {
		return e, nil
	}
	e.Anchor = anchor
	first, last, err := d.mark(anchor)
	if err != nil {
		return e, fmt.Errorf("%w: %w", ErrNoAnchor, err)
	}
	e.setMark(first, last)
	return e, nil
}

// symbolDecl is a symbol's declaration and the file that contains it.
type symbolDecl struct {
	symbol string
	module module
	name   string // the file's path inside the module
	file   *file
	node   ast.Node
}

// declaration returns the declaration of a symbol. The error is ErrNotHere or
// ErrNoSymbol.
func (l *Library) declaration(symbol string) (*symbolDecl, error) {
	path, name, ok := Cut(symbol)
	if !ok {
		return nil, fmt.Errorf("%w: %q is not an import path, a full stop and a name", ErrNoSymbol, symbol)
	}
	m := l.moduleOf(path)
	pkg, err := l.folderOf(m, path)
	if err != nil {
		return nil, err
	}
	f, node, err := pkg.find(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", symbol, err)
	}
	return &symbolDecl{symbol, m, m.pathOf(path, filepath.Base(f.path)), f, node}, nil
}

// Cut splits a symbol into its import path and its name, at the first full stop after
// the last slash of the path. ok is false if the text is not a symbol.
func Cut(symbol string) (path, name string, ok bool) {
	head := symbol // up to a receiver: a slash after it does not belong to the path
	if i := strings.IndexByte(head, '('); i >= 0 {
		head = head[:i]
	}
	slash := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(symbol[slash:], '.')
	if dot <= 0 || slash+dot+1 == len(symbol) {
		return "", "", false
	}
	return symbol[:slash+dot], symbol[slash+dot+1:], true
}
