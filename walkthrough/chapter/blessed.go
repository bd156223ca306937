package chapter

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// BlessedFile lists the code that the chapters were written for. It lies beside en
// and zh.
const BlessedFile = "blessed.tsv"

// Quotation is a declaration that a chapter shows, as it was at one version.
type Quotation struct {
	Stage  string
	Symbol string
	Hash   string // source.Excerpt.Hash
	Module string // path@version, or the Go release
}

// ReadBlessed reads BlessedFile in a folder. Without such a file it returns nothing and
// no error. A mistake in the file is an error with its line.
func ReadBlessed(from fs.FS) (all []Quotation, err error) {
	text, err := fs.ReadFile(from, BlessedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			return nil, fmt.Errorf("%s:%d: want stage, symbol, hash and module, with tabs between them", BlessedFile, n)
		}
		all = append(all, Quotation{f[0], f[1], f[2], f[3]})
	}
	return all, nil
}

// embeddedBlessed returns the declarations that the embedded chapters were written for,
// by symbol.
var embeddedBlessed = sync.OnceValue(func() map[string]Quotation {
	all, err := ReadBlessed(files)
	if err != nil {
		panic(err) // the tests read the same file
	}
	by := make(map[string]Quotation, len(all))
	for _, q := range all {
		by[q.Symbol] = q
	}
	return by
})

// WrittenFor returns a declaration as it was when the chapters about it were written,
// and false if no chapter shows it. The reader may have another version on disk: the
// standard library is that of the Go release at hand.
func WrittenFor(symbol string) (Quotation, bool) {
	q, ok := embeddedBlessed()[symbol]
	return q, ok
}
