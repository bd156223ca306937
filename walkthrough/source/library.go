// Package source cuts declarations out of upstream's source as it stands on the
// reader's own disk: in the module cache, or in vendor, at the version of the
// module that this binary was built with; the standard library in the Go
// release that built it. No upstream code is copied into GlassKV.
//
//	library.go      Library: from a symbol and an anchor to an Excerpt; what may be missing
//	module.go       which module and version a package belongs to, where it lies on disk and on the Web
//	declaration.go  the files of a package, read and parsed once, and a symbol among their declarations
//	anchor.go       "at call fileutil.Fdatasync": parsed, and found in a declaration
//	excerpt.go      Excerpt: lines as coloured tokens, those that fit a screen, the hash of the code
//	calls.go        what a function calls
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
// *NotHereError, which knows what to run.
var ErrNotHere = errors.New("source is not on this disk")

// ErrNoSymbol is returned when the package is here and does not declare the
// symbol, and for a text that is no symbol.
var ErrNoSymbol = errors.New("no such symbol")

// ErrNoAnchor is returned when the declaration does not hold what the anchor
// names, and for a text that is no anchor. The message lists what there is.
var ErrNoAnchor = errors.New("no such anchor")

// NotHereError says whose source is missing and how to get it.
type NotHereError struct {
	Module  string // path@version, or the Go release; the package when this binary does not know its module
	Command string // what to run; "" when nothing helps because the version is not known
	NoGo    bool   // there is no go command on this machine either
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

// Is makes errors.Is find ErrNotHere.
func (e *NotHereError) Is(target error) bool { return target == ErrNotHere }

// Library finds upstream's source on the reader's own disk. It may be used by
// many goroutines at a time; what it has read it keeps.
type Library struct {
	places Places

	mu       sync.Mutex
	packages map[string]*folder // by directory
}

// NewLibrary asks what this binary was built with and where that is on this
// disk. What it cannot find out, the errors of Excerpt say. A test binary does
// not know its modules: tests use ForModule.
func NewLibrary() *Library { return New(builtPlaces()) }

// ForModule is a library at the versions of the go.mod in dir or above it, "" being
// the working directory. An error is returned when the go command cannot read
// it.
func ForModule(ctx context.Context, dir string) (*Library, error) {
	p, err := modulePlaces(ctx, dir)
	if err != nil {
		return nil, err
	}
	return New(p), nil
}

// New is a library with places of one's own.
func New(p Places) *Library {
	return &Library{places: p, packages: make(map[string]*folder)}
}

// Excerpt cuts the declaration of a symbol out of its file, with the statement
// marked that the anchor names; an empty anchor marks nothing. Upstream's doc
// comment, which stands above the declaration, is not in it. It returns
// ErrNotHere, ErrNoSymbol or ErrNoAnchor. With ErrNoAnchor the excerpt is
// returned as well, without a mark.
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

// declared is a symbol's declaration in its file.
type declared struct {
	symbol string
	module module
	name   string // the file's path inside the module
	file   *file
	node   ast.Node
}

// declaration finds a symbol. It returns ErrNotHere or ErrNoSymbol.
func (l *Library) declaration(symbol string) (*declared, error) {
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
	return &declared{symbol, m, m.inside(path, filepath.Base(f.path)), f, node}, nil
}

// Cut cuts a symbol into import path and name: at the first full stop behind
// the last slash of the path. ok is false for a text that is no symbol.
func Cut(symbol string) (path, name string, ok bool) {
	head := symbol // up to the receiver: no slash behind it counts
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
