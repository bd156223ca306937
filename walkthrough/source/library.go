package source

import (
	"context"
	"fmt"
	"go/ast"
	"path/filepath"
	"strings"
	"sync"
)

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
